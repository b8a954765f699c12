package detect_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/detect"
	"imerr-scan/pkg/classify"
	"imerr-scan/pkg/extract"
)

// happened is an event on its way into a tally, or a line of no error (code 0).
type happened struct {
	code         int32
	millis       int64
	user, device string
	version      string
}

// dayOfTrouble is some hours of events with storms, loops and an outage, in order of time.
func dayOfTrouble(seed uint64, hours int) []happened {
	r := rand.New(rand.NewPCG(seed, 9))
	var all []happened
	end := int64(hours) * 3_600_000
	add := func(code int32, from, length int64, perMinute float64, user func() string) {
		step := 60_000 / perMinute
		for at := float64(from) + r.ExpFloat64()*step; at < float64(from+length); at += r.ExpFloat64() * step {
			all = append(all, happened{code, monday.UnixMilli() + int64(at), user(), "d" + strconv.Itoa(r.IntN(5)), "5." + strconv.Itoa(r.IntN(2+int(code)%3))})
		}
	}
	anybody := func() string { return "u" + strconv.Itoa(r.IntN(1_000_000)) }
	of := func(n int) func() string { return func() string { return "loop" + strconv.Itoa(r.IntN(n)) } }
	nobody := func() string { return "" }
	add(0, 0, end, 60, nobody)
	add(39, 0, end, 8, anybody)
	add(206, 0, end, 2, anybody)
	add(509, 0, end, 0.2, nobody)
	for at := int64(20 * 60_000); at < end; at += 600_000 + r.Int64N(4_000_000) {
		length := 30_000 + r.Int64N(1_500_000)
		switch r.IntN(6) {
		case 0:
			add(206, at, length, 100, anybody)
			add(217, at+20_000, length/2, 60, anybody)
		case 1:
			add(206, at, length, 90, of(12))
		case 2:
			add(39, at, length, 6, of(1))
		case 3:
			add(509, at, length, 80, nobody)
		case 4:
			add(50, at, length, 30, anybody)
		case 5: // nobody listens
			all = slices.DeleteFunc(all, func(h happened) bool {
				return h.millis >= monday.UnixMilli()+at && h.millis < monday.UnixMilli()+at+length
			})
		}
	}
	slices.SortFunc(all, func(a, b happened) int { return int(a.millis - b.millis) })
	return all
}

func tallyOf(all []happened) *aggregate.Tally {
	t := aggregate.New(aggregate.Options{Catalog: web})
	count(t, all)
	return t
}

func count(t *aggregate.Tally, all []happened) {
	for _, h := range all {
		t.Seen(h.millis, 1)
		if h.code == 0 {
			continue
		}
		t.Add(&classify.Event{Code: h.code, Entry: web.Lookup(h.code), Candidate: &extract.Candidate{Time: h.millis, User: h.user, Device: h.device, Version: h.version, Platform: "web"}})
	}
}

var troubled = detect.Options{Catalog: web, Limits: []detect.Limit{
	{Name: "kicks", Codes: []int32{206, 217}, Window: 3 * time.Minute, Users: 40},
	{Name: "flood", Window: time.Minute, Events: 120},
}}

// TestTheSameAlertsHoweverTheEventsCome: from a file at once; from parts counted apart, in another order, and merged; and
// live, with events out of order within the lateness and the program started again at any moment, feeding from all that was
// counted or from the recent cells alone. The records, and what the detector remembers, are the same to the last bit.
func TestTheSameAlertsHoweverTheEventsCome(t *testing.T) {
	records := 0
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64Range(0, 1000).Draw(t, "seed")
		all := dayOfTrouble(seed, rapid.IntRange(1, 2).Draw(t, "hours"))
		r := rand.New(rand.NewPCG(seed, 10))

		whole := detect.New(troubled)
		want := whole.Feed(tallyOf(all), detect.All)
		records += len(want)

		parts := make([][]happened, 3)
		for _, h := range all {
			i := r.IntN(len(parts))
			parts[i] = append(parts[i], h)
		}
		merged := aggregate.New(aggregate.Options{Catalog: web})
		for _, p := range parts {
			r.Shuffle(len(p), func(i, j int) { p[i], p[j] = p[j], p[i] })
			merged.Merge(tallyOf(p))
		}
		split := detect.New(troubled)
		same(t, "merged", want, split.Feed(merged, detect.All), whole, split)

		live := detect.New(troubled)
		restart := rapid.IntRange(2, 40).Draw(t, "restart every so many minutes")
		same(t, "live", want, follow(t, &live, all, r, restart, everything), whole, live)

		rolling := detect.New(troubled)
		same(t, "of recent cells", want, follow(t, &rolling, all, r, restart, (*aggregate.Tally).Recent), whole, rolling)
	})
	if records < 100 {
		t.Errorf("only %d records in all: nothing was compared", records)
	}
}

// everything keeps all cells, taken or not.
func everything(t *aggregate.Tally, _ int64) *aggregate.Tally { return t }

// follow feeds the events as they come, up to 50 s out of order, and starts the program again every so many minutes. After
// each feed the tally becomes what keep makes of it and of the first bucket that was not taken.
func follow(t *rapid.T, d **detect.Detector, all []happened, r *rand.Rand, restart int, keep func(*aggregate.Tally, int64) *aggregate.Tally) []detect.Alert {
	late := slices.Clone(all)
	slices.SortStableFunc(late, func(a, b happened) int {
		return int((a.millis + int64(mix(a)%50_000)) - (b.millis + int64(mix(b)%50_000)))
	})
	tally := aggregate.New(aggregate.Options{Catalog: web})
	var w detect.Watermark
	var out []detect.Alert
	next := int64(0)
	for len(late) > 0 {
		n := min(len(late), 1+r.IntN(60))
		for _, h := range late[:n] {
			if w.Millis > 0 && detect.Late(h.millis, w.Millis, time.Minute) {
				t.Fatalf("event %+v is late at %d", h, w.Millis)
			}
			w.See(h.millis)
		}
		count(tally, late[:n])
		late = late[n:]
		out = append(out, (*d).Feed(tally, detect.Closed(w.Millis, time.Minute))...)
		tally = keep(tally, (*d).Next())
		if w.Millis > next {
			next = w.Millis + int64(restart)*60_000
			state, err := (*d).MarshalBinary()
			if err != nil {
				t.Fatal(err)
			}
			again := detect.New(troubled)
			if err := again.UnmarshalBinary(state); err != nil {
				t.Fatal(err)
			}
			if twice, _ := again.MarshalBinary(); !bytes.Equal(state, twice) {
				t.Fatal("a state that was read is written otherwise")
			}
			*d = again
		}
	}
	return append(out, (*d).Feed(tally, detect.All)...)
}

// mix is a number that an event has for good.
func mix(h happened) uint64 {
	x := uint64(h.millis)*0x9e3779b97f4a7c15 + uint64(h.code)
	x ^= x >> 31
	return x * 0xbf58476d1ce4e5b9 >> 20
}

func same(t *rapid.T, how string, want, got []detect.Alert, whole, other *detect.Detector) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%s (-file +%s): %s", how, how, diff)
	}
	a, _ := whole.MarshalBinary()
	b, _ := other.MarshalBinary()
	if !bytes.Equal(a, b) {
		t.Fatalf("%s: the same records, but %d and %d bytes of state that differ", how, len(a), len(b))
	}
}

// TestRecordsAreInOrderOfTime and complete: firing first, resolved last and once, one incident of a name at a time.
func TestRecordsAreInOrderOfTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := dayOfTrouble(rapid.Uint64().Draw(t, "seed"), 2)
		open := map[string]string{}
		var last time.Time
		for _, a := range detect.New(troubled).Feed(tallyOf(all), detect.All) {
			if a.At.Before(last) {
				t.Errorf("%s at %v comes after %v", a.ID(), a.At, last)
			}
			last = a.At
			if a.FiredAt.After(a.At) || a.StartsAt.After(a.FiredAt) || a.EndsAt != nil && (a.EndsAt.After(a.At) || a.EndsAt.Before(a.StartsAt)) {
				t.Errorf("%s: starts %v, fired %v, ends %v, at %v", a.ID(), a.StartsAt, a.FiredAt, a.EndsAt, a.At)
			}
			if a.Count <= 0 || a.Kind == "" && a.Alert == detect.KickStorm {
				t.Errorf("%s: count %d, kind %q", a.ID(), a.Count, a.Kind)
			}
			toJSON(&testing.T{}, a)
			switch {
			case a.Kind == detect.KindLoopUser:
			case a.State == detect.Firing && open[a.Alert] != "":
				t.Errorf("%s fires while %s is open", a.ID(), open[a.Alert])
			case a.State == detect.Firing:
				open[a.Alert] = a.ID()
			case open[a.Alert] != a.ID():
				t.Errorf("%s %s, but %q is open", a.ID(), a.State, open[a.Alert])
			case a.State == detect.Resolved:
				delete(open, a.Alert)
			}
		}
	})
}

// TestStateIsSmall: at most 32 KiB a code, with busy codes, full memories, users and values everywhere, and all firing.
func TestStateIsSmall(t *testing.T) {
	skipShort(t)
	w := newWorld(t, detect.Options{})
	codes := []int32{206, 39, 509, 50}
	var all []happening
	for _, code := range codes {
		h := happening{code: code, perMinute: 30_000, devices: true}
		for f := detect.Version; f <= detect.Reason; f++ {
			for i := range 20 {
				h.values = append(h.values, detect.Value{Field: f, Text: strconv.Itoa(i) + ".very.long.version.of.an.application.indeed", N: int64(i)})
			}
		}
		all = append(all, h)
	}
	for range 15 * 24 * 6 { // every slot another level
		for i := range all {
			all[i].perMinute = 20 + w.rand.IntN(60)
		}
		w.pass(310*time.Second, all...)
		w.now = w.now.Add(290 * time.Second)
	}
	w.pass(3*time.Hour, all...)
	for i := range all {
		all[i].perMinute = 3000
	}
	w.pass(10*time.Minute, all...)
	if n := len(withoutUpdates(w.alerts)); n < len(codes) {
		t.Fatalf("%d records: the codes were to fire", n)
	}
	state, _ := w.d.MarshalBinary()
	if each := len(state) / len(codes); each > 32<<10 {
		t.Errorf("%d bytes a code, more than 32 KiB", each)
	} else {
		t.Logf("%d bytes a code", each)
	}
}

func TestForeignStates(t *testing.T) {
	w := newWorld(t, detect.Options{})
	w.pass(time.Hour, happening{code: 39, perMinute: 6})
	state, _ := w.d.MarshalBinary()
	old := slices.Clone(state)
	old[5] = 77
	var version *detect.StateVersionError
	if err := detect.New(detect.Options{}).UnmarshalBinary(old); !errors.As(err, &version) || version.Version != 77 {
		t.Errorf("a state of version 77: %v", err)
	} else if want := "detector state: version 77: this program reads 1; start without it, and the usual is learned anew within a day"; err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
	for name, data := range map[string][]byte{
		"empty": nil, "text": []byte("time=2026-11-23 level=INFO"), "cut off": state[:len(state)/2], "longer": append(slices.Clone(state), 0),
	} {
		d := detect.New(detect.Options{})
		if err := d.UnmarshalBinary(data); !errors.Is(err, detect.ErrForeignState) {
			t.Errorf("%s: %v", name, err)
		}
		if d.Next() != 0 {
			t.Errorf("%s: the detector is no longer new", name)
		}
	}
	for i := range state {
		bad := slices.Clone(state)
		bad[i] ^= 0x10
		if err := detect.New(detect.Options{}).UnmarshalBinary(bad); err == nil {
			t.Fatalf("byte %d of %d was damaged, and nobody noticed", i, len(state))
		}
	}
}

// TestALimitThatChangedStartsAnew, others go on.
func TestALimitThatChangedStartsAnew(t *testing.T) {
	first := detect.Limit{Name: "flood", Window: time.Minute, Events: 30}
	w := newWorld(t, detect.Options{Limits: []detect.Limit{first}})
	w.pass(10*time.Minute, happening{code: 39, perMinute: 60})
	state, _ := w.d.MarshalBinary()
	for _, tc := range []struct {
		name  string
		limit detect.Limit
		fires int // again
	}{
		{"the same", first, 0},
		{"another severity", detect.Limit{Name: "flood", Window: time.Minute, Events: 30, Severity: "info"}, 0},
		{"another number", detect.Limit{Name: "flood", Window: time.Minute, Events: 31}, 1},
	} {
		w := newWorld(t, detect.Options{Limits: []detect.Limit{tc.limit}})
		if err := w.d.UnmarshalBinary(state); err != nil {
			t.Fatal(err)
		}
		w.now = time.UnixMilli(w.d.Next())
		w.pass(10*time.Minute, happening{code: 39, perMinute: 60})
		fires := 0
		for _, a := range w.alerts {
			if a.State == detect.Firing && a.Alert == "flood" {
				fires++
			}
		}
		if fires != tc.fires {
			t.Errorf("%s: fires %d times again, want %d", tc.name, fires, tc.fires)
		}
	}
}
