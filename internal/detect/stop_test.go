package detect_test

import (
	"testing"
	"time"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/detect"
)

// TestAllInputStopsWhileAlertsFire: a live source falls silent in the middle of storms, and only its idle time goes on. The
// silence is a gap, or too short a log to be one; either way nothing hangs: what was firing is resolved, and ends when the
// input did, not when the waiting did.
func TestAllInputStopsWhileAlertsFire(t *testing.T) {
	for _, tc := range []struct {
		name  string
		lines int64 // in each bucket, of any kind
	}{
		{"in a busy log, whose silence is a gap", 100},
		{"in a log of errors alone", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := newWorld(t, detect.Options{Limits: []detect.Limit{{Name: "flood", Codes: []int32{509}, Window: time.Minute, Events: 200}}})
			w.lines = tc.lines
			w.pass(3*time.Hour, happening{code: 39, perMinute: 6}, happening{code: 206, perMinute: 2}, happening{code: 509, perMinute: 1, anonymous: true})
			stop := w.now.Add(3 * time.Minute)
			w.pass(3*time.Minute, happening{code: 39, perMinute: 300}, happening{code: 206, perMinute: 200, devices: true}, happening{code: 509, perMinute: 300, anonymous: true})
			open := map[string]bool{}
			for _, a := range w.alerts {
				open[a.ID()] = a.State != detect.Resolved
			}
			if len(open) != 4 {
				t.Fatalf("%v: want spike-39, kick-storm, spike-509 and flood to fire", states(w.alerts))
			}

			var mark detect.Watermark
			mark.See(stop.UnixMilli())
			mark.Settle()
			for range 10 * 60 { // ten minutes of waiting, asked each second
				mark.Idle(time.Second)
				for _, a := range w.d.Advance(detect.Closed(mark.Millis, time.Minute)) {
					if a.State == detect.Update && a.At.Before(stop.Add(time.Minute)) {
						continue // of what was counted since the last one
					}
					if a.State != detect.Resolved {
						t.Errorf("%s %s at %v: nothing was counted", a.ID(), a.State, a.At)
						continue
					}
					if !open[a.ID()] {
						t.Errorf("%s resolves twice, or never fired", a.ID())
					}
					delete(open, a.ID())
					if a.EndsAt == nil || a.EndsAt.After(stop.Add(time.Minute)) || a.EndsAt.Before(stop.Add(-time.Minute)) {
						t.Errorf("%s ends at %v, the input at %v", a.ID(), a.EndsAt, stop)
					}
					if a.At.After(stop.Add(7 * time.Minute)) {
						t.Errorf("%s resolves at %v, more than 7 min after the input stopped", a.ID(), a.At)
					}
				}
			}
			if len(open) > 0 {
				t.Errorf("still firing after ten minutes of silence: %v", open)
			}
			if late := w.d.Advance(stop.Add(24 * time.Hour).UnixMilli()); len(late) > 0 {
				t.Errorf("records of a day of silence: %v", states(late))
			}
		})
	}
}

// TestFeedOfATallyThatGrowsNoMoreResolves: the same through Feed, which is how a program that follows files asks.
func TestFeedOfATallyThatGrowsNoMoreResolves(t *testing.T) {
	var all []happened
	add := func(from, to int, each time.Duration) {
		for at := time.Duration(from) * time.Minute; at < time.Duration(to)*time.Minute; at += each {
			all = append(all, happened{code: 39, millis: monday.Add(at).UnixMilli(), user: at.String()})
		}
	}
	add(0, 120, 20*time.Second)
	add(120, 124, 200*time.Millisecond)
	tally := tallyOf(all)
	d := detect.New(detect.Options{})
	stop := monday.Add(124 * time.Minute)
	records := d.Feed(tally, stop.UnixMilli())
	if len(records) == 0 || records[len(records)-1].State == detect.Resolved {
		t.Fatalf("%v: want an alert that fires when the input stops", states(records))
	}
	empty := aggregate.New(aggregate.Options{Catalog: web})
	for _, growsNoMore := range []*aggregate.Tally{tally, empty} { // empty: its cells were forgotten
		again := detect.New(detect.Options{})
		again.Feed(tally, stop.UnixMilli())
		records = again.Feed(growsNoMore, stop.Add(7*time.Minute).UnixMilli())
		if ends := withoutUpdates(records); len(ends) != 1 || ends[0].State != detect.Resolved {
			t.Errorf("%v, want it to be resolved", states(records))
		}
	}
}
