package detect

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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

// Whichever clock came nearest, and for want of whatever: with as many more users in that very bucket as are said to be
// needed the code fires there.
func TestWhatIsNeededFires(t *testing.T) {
	byClock := map[string]int{}
	for seed := range uint64(300) {
		perHour := 1 + int(seed*seed)%400
		if seed%2 == 0 {
			perHour *= 100
		}
		more := 1 + perHour/400
		d := New(Options{})
		unsteadyHours(d, seed, perHour, more, 0, 0)
		all := d.Closest()
		if len(all) == 0 {
			continue // it fired, or came nowhere near
		}
		m := all[0]
		byClock[m.Clock]++
		lack := int64(m.Needed - m.Count)
		again := New(Options{})
		unsteadyHours(again, seed, perHour, more, m.At.UnixMilli()-bucketMillis, lack)
		if lack <= 0 || !again.find(509).firing {
			t.Errorf("seed %d: %+v: %d more do not fire", seed, m, lack)
		}
	}
	if len(byClock) < clocks+1 {
		t.Errorf("misses by clock: %v; want some of each", byClock)
	}
}

// TestClosestMissOfASteadyCodeIsTheRatio: where even a little more is beyond chance, half more is still asked for.
func TestClosestMissOfASteadyCodeIsTheRatio(t *testing.T) {
	d := New(Options{})
	for b := range int64(8640) {
		y := int64(1000)
		if b == 8000 {
			y = 1450
		}
		if out := d.Step(Bucket{Start: b * bucketMillis, Cells: []Cell{{Code: 509, Cell: aggregate.Cell{Events: y, Anonymous: y}}}}); len(out) > 0 {
			t.Fatalf("fired: %+v", out)
		}
	}
	want := Miss{
		Alert: "spike-509", Codes: []int32{509}, At: time.UnixMilli(8001 * bucketMillis).UTC(), Clock: "10s", Count: 1450, Usual: 1000,
		Needed: 1501, Near: 0.97, Missing: MissingRatio,
	}
	if diff := cmp.Diff([]Miss{want}, d.Closest()); diff != "" {
		t.Errorf("closest misses (-want +got): %s", diff)
	}
}

// unsteadyHours feeds six hours of code 509, without users, some minutes of which have up to more events in 10 s besides. If
// at is a bucket, it has n events besides, and is the last.
func unsteadyHours(d *Detector, seed uint64, perHour, more int, at, n int64) {
	r := rand.New(rand.NewPCG(seed, 1))
	start := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC).UnixMilli()
	bump := 0
	for b := range int64(2160) {
		if bump--; r.IntN(200) == 0 {
			bump = r.IntN(20)
		}
		y := int64(perHour / 360)
		if r.IntN(360) < perHour%360 {
			y++
		}
		if bump > 0 {
			y += int64(r.IntN(more + 1))
		}
		in := Bucket{Start: start + b*bucketMillis}
		if in.Start == at {
			y += n
		}
		if y > 0 {
			in.Cells = []Cell{{Code: 509, Cell: aggregate.Cell{Events: y, Anonymous: y}}}
		}
		d.Step(in)
		if in.Start == at {
			return
		}
	}
}
