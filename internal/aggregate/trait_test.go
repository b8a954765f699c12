package aggregate

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestValuesOfCells compares with exact maps, for any division of the events; with and without a bound that lets the oldest
// cells give up.
func TestValuesOfCells(t *testing.T) {
	given, kept := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		events := rapid.SliceOfN(events(20, time.Hour), 40, 200).Draw(t, "events")
		lim := defaultLimits
		lim.pending = rapid.IntRange(1, 20).Draw(t, "pending")
		lim.traits = rapid.SampledFrom([]int{30, 1000}).Draw(t, "bound")
		var ops []op
		truth := map[string]int64{}
		for _, e := range events {
			ops = append(ops, add(e))
			if e.code == 0 || e.millis == 0 {
				continue
			}
			for f, text := range map[Field]string{Version: e.version, Platform: e.platform, Reason: e.reason} {
				if text != "" {
					truth[fmt.Sprint(e.code, e.millis/bucketMillis, f, text)]++
				}
			}
		}
		tally := divide(t, ops, lim)
		tally.flush()
		held := 0
		for _, c := range tally.codes {
			held += len(c.traits.all)
		}
		for _, code := range tally.Codes() {
			for c := range tally.Cells(code, 0) {
				for _, v := range c.Values {
					at := fmt.Sprint(code, c.Start/bucketMillis, v.Field, v.Text)
					if truth[at] != v.N {
						t.Fatalf("%s: %d, want %d", at, v.N, truth[at])
					}
					delete(truth, at)
				}
			}
		}
		if held > lim.traits {
			t.Fatalf("%d values are held, the bound is %d", held, lim.traits)
		}
		if lim.traits == 1000 && len(truth) > 0 {
			t.Fatalf("missing: %v", truth)
		}
		given, kept = given+len(truth), kept+held
	})
	if given == 0 || kept == 0 {
		t.Errorf("%d values given up, %d kept: one of the two was not tried", given, kept)
	}
}

// TestValuesInWideCells: cells that are made wider keep the sums.
func TestValuesInWideCells(t *testing.T) {
	tally := New(Options{})
	for i := range 60 {
		add(event{code: 206, millis: start + int64(i)*bucketMillis, version: fmt.Sprint("5.", i%2)})(tally)
	}
	tally.flush()
	tally.widen(1)
	cells := 0
	for c := range tally.Cells(206, 0) {
		cells++
		if len(c.Values) != 2 || c.Values[0].N != 3 || c.Values[1].N != 3 {
			t.Errorf("cell of a minute: %+v", c.Values)
		}
	}
	if cells != 10 {
		t.Errorf("%d cells, want 10", cells)
	}
}
