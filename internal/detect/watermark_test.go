package detect_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"imerr-scan/internal/detect"
)

const minute = 60_000

func TestWatermark(t *testing.T) {
	at := func(minutes float64) int64 { return monday.UnixMilli() + int64(minutes*minute) }
	eight := func(w *detect.Watermark) {
		for range 8 {
			w.See(at(0))
		}
	}
	for _, tc := range []struct {
		name string
		run  func(w *detect.Watermark)
		want int64
	}{
		{"seven events are not enough to begin", func(w *detect.Watermark) {
			for range 7 {
				w.See(at(0))
			}
		}, 0},
		{"it begins in the middle of eight", func(w *detect.Watermark) {
			for _, m := range []float64{-1e6, 0, 1, 2, 3, 4, 5, 1e6} {
				w.See(at(m))
			}
		}, at(2)},
		{"a short log settles with what it has", func(w *detect.Watermark) { w.See(at(1)); w.See(at(2)); w.See(at(9)); w.Settle() }, at(2)},
		{"it rises with the events", func(w *detect.Watermark) { eight(w); w.See(at(3)); w.See(at(2)) }, at(3)},
		{"one client a day ahead moves nothing", func(w *detect.Watermark) {
			eight(w)
			for range 100 {
				w.See(at(1440))
				w.See(at(1))
				w.See(at(1))
			}
		}, at(1)},
		{"after hours of nothing it jumps with the fifth", func(w *detect.Watermark) {
			eight(w)
			for i := range 5 {
				w.See(at(600 + float64(i)))
			}
		}, at(602)},
		{"not with the fourth", func(w *detect.Watermark) {
			eight(w)
			for i := range 4 {
				w.See(at(600 + float64(i)))
			}
		}, at(0)},
		{"an event without a time moves nothing", func(w *detect.Watermark) { eight(w); w.See(0); w.See(-5) }, at(0)},
		{"it never goes back", func(w *detect.Watermark) {
			eight(w)
			for range 20 {
				w.See(at(-60))
			}
		}, at(0)},
		{"time goes on while nothing comes", func(w *detect.Watermark) { eight(w); w.Idle(90 * time.Second); w.Idle(-time.Hour) }, at(1.5)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var w detect.Watermark
			tc.run(&w)
			if w.Millis != tc.want {
				t.Errorf("%v, want %v", time.UnixMilli(w.Millis).UTC(), time.UnixMilli(tc.want).UTC())
			}
		})
	}
}

// TestWatermarkSurvivesRestarts: its JSON is all there is of it, and it never goes back.
func TestWatermarkSurvivesRestarts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var a, b detect.Watermark
		for range rapid.IntRange(1, 60).Draw(t, "events") {
			before := a.Millis
			if rapid.IntRange(0, 9).Draw(t, "what") == 0 {
				a.Idle(time.Second)
				b.Idle(time.Second)
			} else {
				millis := monday.UnixMilli() + rapid.Int64Range(-20, 20).Draw(t, "minute")*minute
				a.See(millis)
				b.See(millis)
			}
			if a.Millis < before {
				t.Fatalf("it went back from %d to %d", before, a.Millis)
			}
			raw, err := json.Marshal(b)
			if err != nil {
				t.Fatal(err)
			}
			b = detect.Watermark{}
			if err := json.Unmarshal(raw, &b); err != nil {
				t.Fatal(err)
			}
			if a.Millis != b.Millis || len(a.Newest) != len(b.Newest) || len(a.Newest) > 8 {
				t.Fatalf("straight %+v, restarted %+v", a, b)
			}
		}
	})
}

func TestWatermarksOfSeveralSources(t *testing.T) {
	at := func(minutes float64) int64 { return monday.UnixMilli() + int64(minutes*minute) }
	reach := func(ws *detect.Watermarks, name string, minutes float64) {
		w := ws.Source(name)
		for range 8 {
			w.See(at(minutes))
		}
	}
	for _, tc := range []struct {
		name string
		run  func(ws *detect.Watermarks)
		want int64
	}{
		{"no source", func(*detect.Watermarks) {}, 0},
		{"the least counts", func(ws *detect.Watermarks) { reach(ws, "a", 3); reach(ws, "b", 1) }, at(1)},
		{"one that has not begun is waited for", func(ws *detect.Watermarks) { reach(ws, "a", 3); ws.Source("b").See(at(1)) }, 0},
		{"but not for more than a minute", func(ws *detect.Watermarks) { reach(ws, "a", 3); ws.Source("b").Idle(time.Minute) }, at(3)},
		{"one at its end for a minute is left out", func(ws *detect.Watermarks) {
			reach(ws, "a", 1)
			ws.Source("a").Idle(time.Minute)
			reach(ws, "b", 4)
		}, at(4)},
		{"one far behind is left out", func(ws *detect.Watermarks) { reach(ws, "a", 10); reach(ws, "b", 4) }, at(10)},
		{"and comes back", func(ws *detect.Watermarks) {
			reach(ws, "a", 10)
			reach(ws, "b", 1)
			ws.Time()
			for i := range 10 {
				ws.Source("a").See(at(14))
				ws.Source("b").See(at(float64(2 + i)))
			}
		}, at(11)},
		{"one source with a clock a day ahead does not leave out all others", func(ws *detect.Watermarks) {
			reach(ws, "a", 1440)
			reach(ws, "b", 2)
			reach(ws, "c", 1)
		}, at(1)},
		{"all at their end go on with the time", func(ws *detect.Watermarks) {
			reach(ws, "a", 1)
			reach(ws, "b", 2)
			for range 3 {
				ws.Source("a").Idle(time.Minute)
				ws.Source("b").Idle(time.Minute)
			}
		}, at(4)},
		{"one that is gone holds nothing up", func(ws *detect.Watermarks) { reach(ws, "a", 3); reach(ws, "b", 1); ws.Remove("b") }, at(3)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var ws detect.Watermarks
			tc.run(&ws)
			if got := ws.Time(); got != tc.want {
				t.Errorf("%v, want %v", time.UnixMilli(got).UTC(), time.UnixMilli(tc.want).UTC())
			}
			raw, _ := json.Marshal(ws)
			var again detect.Watermarks
			if err := json.Unmarshal(raw, &again); err != nil || !cmp.Equal(ws.Time(), again.Time()) {
				t.Errorf("after a restart %d, before it %d (%v)", again.Time(), ws.Time(), err)
			}
		})
	}
}

func TestLate(t *testing.T) {
	w := monday.UnixMilli() + 10*minute
	if got := detect.Closed(w, time.Minute); got != w-minute {
		t.Errorf("closed up to %d, want %d", got, w-minute)
	}
	for _, tc := range []struct {
		millis int64
		want   bool
	}{{w, false}, {w - minute, false}, {w - minute - 1, true}, {w - minute + 9_000, false}, {0, false}} {
		if got := detect.Late(tc.millis, w, time.Minute); got != tc.want {
			t.Errorf("late %d ms before: %v", w-tc.millis, got)
		}
	}
}

func TestSourcesThatAreLeftOutAreNamed(t *testing.T) {
	var ws detect.Watermarks
	for name, minutes := range map[string]int64{"a": 10, "b": 9, "c": 4, "d": 3} {
		for range 8 {
			ws.Source(name).See(monday.UnixMilli() + minutes*minute)
		}
	}
	if got := ws.Behind(); !cmp.Equal(got, []string{"d"}) {
		t.Errorf("left out are %v, want d, six minutes behind b", got)
	}
	ws.Source("e").See(monday.UnixMilli())
	if got := ws.Behind(); got != nil {
		t.Errorf("while nothing moves %v are left out", got)
	}
}
