package detect

import (
	"testing"
	"time"

	"imerr-scan/internal/aggregate"
)

// quietDay feeds a day in which code 509 has two users a minute, and once a minute with n users.
func quietDay(d *Detector, at int, n int64) []Alert {
	var out []Alert
	start := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC).UnixMilli()
	for b := range 8640 {
		y := int64(0)
		if b%3 == 0 {
			y = 1
		}
		if b == at {
			y = n
		}
		in := Bucket{Start: start + int64(b)*bucketMillis}
		if y > 0 {
			c := aggregate.Cell{Events: y, Users: y, Open: true}
			for i := range y {
				c.Hashes = append(c.Hashes, uint64(b)<<16+uint64(i)+1)
			}
			in.Cells = []Cell{{Code: 509, Cell: c}}
		}
		out = append(out, d.Step(in)...)
	}
	return out
}

// What is said to be needed is what fires: one less does not.
func TestClosestMissNamesTheLeastCountThatFires(t *testing.T) {
	d := New(Options{})
	if alerts := quietDay(d, 6000, 8); len(alerts) > 0 {
		t.Fatalf("8 users at once fired: %+v", alerts)
	}
	misses := d.Closest()
	if len(misses) != 1 {
		t.Fatalf("%d misses, want one for the only code: %+v", len(misses), misses)
	}
	m := misses[0]
	at := time.Date(2026, 11, 23, 16, 40, 10, 0, time.UTC)
	if m.Alert != "spike-509" || !m.At.Equal(at) || m.Count < 8 || m.Needed <= m.Count || m.Missing != MissingCount {
		t.Errorf("closest miss = %+v, want spike-509 at %v, 8 counted or more, more needed", m, at)
	}
	if m.Clock != "10s" {
		t.Fatalf("clock %s: the two checks below are for the 10 s clock", m.Clock)
	}
	if alerts := quietDay(New(Options{}), 6000, int64(m.Needed)); len(alerts) == 0 {
		t.Errorf("%v were said to be needed, and do not fire", m.Needed)
	}
	d = New(Options{})
	if quietDay(d, 6000, int64(m.Needed)); len(d.Closest()) != 0 {
		t.Error("a code that fired has a closest miss")
	}
}

func TestClosestMissOfOneUserInALoopIsUsers(t *testing.T) {
	d := New(Options{})
	start := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC).UnixMilli()
	for b := range 2000 {
		in := Bucket{Start: start + int64(b)*bucketMillis}
		if b > 1000 && b < 1300 {
			in.Cells = []Cell{{Code: 206, Cell: aggregate.Cell{Events: 2, Users: 1, Open: true, Hashes: []uint64{7}, Kicks: []aggregate.Kick{{User: 7, Count: 2}}}}}
		} else if b%50 == 0 {
			in.Cells = []Cell{{Code: 509, Cell: aggregate.Cell{Events: 1, Anonymous: 1}}}
		}
		for _, a := range d.Step(in) {
			if a.Kind != KindLoopUser { // which is said once, when it is over
				t.Fatalf("one account in a loop fired: %+v", a)
			}
		}
	}
	misses := d.Closest()
	if len(misses) == 0 || misses[0].Alert != "kick-storm" || misses[0].Missing != MissingUsers {
		t.Errorf("closest misses = %+v, want kick-storm for want of users first", misses)
	}
}

func TestClosestMissOfALimit(t *testing.T) {
	d := New(Options{Limits: []Limit{{Name: "many", Codes: []int32{509}, Window: time.Minute, Events: 100}}})
	quietDay(d, 6000, 60)
	for _, m := range d.Closest() {
		if m.Alert == "many" {
			if m.Count != 61 && m.Count != 62 || m.Needed != 100 {
				t.Errorf("closest miss of the limit = %+v, want about 61 of 100", m)
			}
			return
		}
	}
	t.Errorf("no closest miss of the limit: %+v", d.Closest())
}
