package deltalog

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"imerr-scan/internal/aggregate"
	"imerr-scan/pkg/classify"
	"imerr-scan/pkg/extract"
)

// What a log makes of a state does not depend on whether it is read at once: verdicts, alerts and their users, every byte.
func TestReplayIsApplyOneByOne(t *testing.T) {
	one, src := newBusyState(4, 12)
	var records [][]byte
	for i := range 800 {
		records = append(records, src.delta(i))
	}
	records = append(records,
		nil, []byte("not a record"), []byte(`{"v":9,"t":"delta"}`), []byte(`{"v":1,"t":"delta","src":"client-logs"}`),
		stormOf(&src, 207, 400, 5),
		stormOf(&src, 102, 8000, 8000), // of more than largeBytes
		broken(src.delta(800)), src.delta(801), src.delta(800), src.delta(801), src.delta(802))
	for i := range 4000 {
		records = append(records, src.delta(803+i))
	}

	var want, got []Verdict
	first := one.Offset()
	for i, record := range records {
		want = append(want, one.Apply(first+int64(i), record))
	}
	atOnce, _ := newBusyState(4, 12)
	if err := atOnce.Replay(read(first, records), func(v Verdict) { got = append(got, v) }); err != nil {
		t.Fatal(err)
	}
	kinds, users := map[Kind]int{}, 0
	for i := range want {
		if !reflect.DeepEqual(want[i], got[i]) {
			t.Fatalf("record %d: verdict %+v, one by one %+v", i, got[i], want[i])
		}
		kinds[want[i].Kind]++
		for _, a := range want[i].Alerts {
			users += len(a.TopUsers)
		}
	}
	if kinds[Accepted] < 3500 || kinds[Refused] < 1000 || kinds[Broken] < 2 || kinds[Ignored] < 2 || users == 0 {
		t.Errorf("kinds %v, %d users of alerts: the log does not hold what it should", kinds, users)
	}
	if !bytes.Equal(must(one.MarshalBinary()), must(atOnce.MarshalBinary())) {
		t.Error("the states differ")
	}
}

func TestReplayThatBreaksOffHoldsWhatWasRead(t *testing.T) {
	s, src := newBusyState(4, 12)
	gone := errors.New("the broker is gone")
	first := s.Offset()
	err := s.Replay(func(apply func(int64, []byte) error) error {
		for i := range 100 {
			if err := apply(first+int64(i), src.delta(i)); err != nil {
				return err
			}
		}
		return gone
	}, func(Verdict) {})
	if !errors.Is(err, gone) || s.Offset() != first+100 {
		t.Fatalf("%v at %d, want %v at %d", err, s.Offset(), gone, first+100)
	}
	if v := s.Apply(s.Offset(), src.delta(100)); v.Kind != Accepted {
		t.Errorf("after it: %+v", v)
	}
	if events := s.Total().Result(aggregate.ResultOptions{}).Events; events != int64(src.events) {
		t.Errorf("%d events, want %d", events, src.events)
	}
}

// stormOf is a delta of partition 0 with n events of a code in five minutes.
func stormOf(b *busy, code int32, n, users int) []byte {
	entry := web.Lookup(code)
	counts := aggregate.New(aggregate.Options{})
	at := start + 200_000
	for i := range n {
		counts.Add(&classify.Event{Code: code, Entry: entry, Category: entry.Category, Candidate: &extract.Candidate{
			Time: at + 300_000*int64(i)/int64(n), User: fmt.Sprintf("user_%05d", i%users), Device: fmt.Sprint("device", i%2),
		}})
	}
	b.events += n
	d := Delta{Source: Source{"client-logs", 0}, From: b.next[0], To: b.next[0] + 1, Records: 1, Watermark: at, At: at, By: "pod-1/1", Counts: counts}
	b.next[0]++
	return must(d.Encode())
}

// broken is a delta whose counts are none.
func broken(record []byte) []byte {
	head, rest, _ := strings.Cut(string(record), `"c":"`)
	return []byte(head + `"c":"AA` + rest)
}
