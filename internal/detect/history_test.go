package detect

import (
	"fmt"
	"testing"
	"time"

	"imerr-scan/internal/aggregate"
	"imerr-scan/pkg/catalog"
	"imerr-scan/pkg/classify"
	"imerr-scan/pkg/extract"
)

func record(name string, minute int, state string) Alert {
	return Alert{Alert: name, StartsAt: time.Unix(int64(60*minute), 0), State: state}
}

func TestHistoryKeepsTheNewestRecordOfEachAlert(t *testing.T) {
	var h History
	h.Add(record("kick-storm", 1, Firing), record("spike-50", 2, Firing), record("kick-storm", 1, Update))
	h.Add(record("kick-storm", 1, Resolved), record("kick-storm", 9, Firing))
	var got []string
	for _, a := range h.Alerts {
		got = append(got, fmt.Sprintf("%s@%d %s", a.Alert, a.StartsAt.Unix()/60, a.State))
	}
	if want := "[kick-storm@1 resolved spike-50@2 firing kick-storm@9 firing]"; fmt.Sprint(got) != want {
		t.Errorf("history = %v, want %v", got, want)
	}
	if n := len(h.Firing()); n != 2 {
		t.Errorf("%d alerts are firing, want 2", n)
	}
}

func TestHistoryIsBoundedAndKeepsWhatIsFiring(t *testing.T) {
	var h History
	h.Add(record("kick-storm", 0, Firing))
	for i := range 3 * maxHistory {
		h.Add(record("spike-50", i+1, Resolved))
	}
	if len(h.Alerts) != maxHistory || h.Alerts[0].State != Firing || h.Alerts[maxHistory-1].StartsAt.Unix() != 60*3*maxHistory {
		t.Errorf("%d alerts, the first %s: want %d, the firing one and the newest", len(h.Alerts), h.Alerts[0].State, maxHistory)
	}
}

// A log of millions of events over years is kept in cells that are wider than any clock: nothing can be said of spikes, and
// nothing is spent on it.
func TestCellsWiderThanTheClocksAreNotTaken(t *testing.T) {
	wide := aggregate.New(aggregate.Options{CellWidth: 16 * time.Minute})
	entry := &catalog.Entry{Code: 206, Category: "auth"}
	for i := range 1000 {
		wide.Add(&classify.Event{Code: 206, Entry: entry, Candidate: &extract.Candidate{Time: 1_795_000_000_000 + int64(i), User: fmt.Sprint(i)}})
	}
	d := New(Options{})
	if alerts := d.Feed(wide, All); len(alerts) > 0 || d.Next() != 0 {
		t.Errorf("%d alerts, next %d: want nothing taken of cells of %v", len(alerts), d.Next(), wide.CellWidth())
	}
}
