package detect

import (
	"fmt"
	"testing"
	"time"
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
