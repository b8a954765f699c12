package report

import (
	"fmt"
	"math"
	"slices"
	"time"

	"imerr-scan/internal/aggregate"
	"imerr-scan/pkg/catalog"
)

// window is a stretch of slots: its events, and its length in slots.
type window struct {
	count int64
	slots int
}

func (w window) rate() float64 { return float64(w.count) / float64(w.slots) }

// divide cuts slots into n windows whose lengths differ by one slot at most, or into single slots if there are fewer.
func divide(slots []int64, n int) []window {
	n = min(n, len(slots))
	out := make([]window, n)
	for i := range out {
		from, to := i*len(slots)/n, (i+1)*len(slots)/n
		out[i].slots = to - from
		for _, v := range slots[from:to] {
			out[i].count += v
		}
	}
	return out
}

// sparkline draws slots in at most w columns, scaled to the highest; · is a window without an event.
func sparkline(slots []int64, w int) string {
	var top float64
	windows := divide(slots, w)
	for _, win := range windows {
		top = max(top, win.rate())
	}
	bars := []rune("▁▂▃▄▅▆▇█")
	line := make([]rune, len(windows))
	for i, win := range windows {
		line[i] = '·'
		if win.count > 0 {
			line[i] = bars[min(max(int(math.Ceil(win.rate()/top*8)), 1), 8)-1]
		}
	}
	return string(line)
}

// A peak is judged on at most peakWindows windows of the span, whatever the width of the screen, and on no fewer than
// minPeakWindows: a run of three minutes has no usual.
const (
	peakWindows    = 96
	minPeakWindows = 8
	minPeakEvents  = 10
)

// peak says how the busiest window of a code compares with its usual, the median of the other windows.
type peak struct {
	ratio float64 // of the busiest window to the usual; 0 if there is nothing to say
	new   bool    // no event in the first half of the span
	burst bool    // usually nothing, so that there is no ratio
}

// findPeak looks for a peak that means something: ten events at least, three times the usual at least, and five standard
// deviations of a Poisson process above it.
func findPeak(slots []int64) peak {
	windows := divide(slots, peakWindows)
	if len(windows) < minPeakWindows {
		return peak{}
	}
	top, first, total := 0, -1, int64(0)
	for i, w := range windows {
		if w.rate() > windows[top].rate() {
			top = i
		}
		if first < 0 && w.count > 0 {
			first = i
		}
		total += w.count
	}
	if total >= minPeakEvents && 2*first >= len(windows) {
		return peak{new: true}
	}
	busiest := windows[top]
	if busiest.count < minPeakEvents {
		return peak{}
	}
	usual := median(windows, top)
	if usual == 0 {
		return peak{burst: true}
	}
	expected := usual * float64(busiest.slots)
	ratio := float64(busiest.count) / expected
	if ratio < 3 || float64(busiest.count)-expected < 5*math.Sqrt(expected) {
		return peak{}
	}
	return peak{ratio: ratio}
}

// median is that of the rates of windows without the one at index skip.
func median(windows []window, skip int) float64 {
	rates := make([]float64, 0, len(windows))
	for i, w := range windows {
		if i != skip {
			rates = append(rates, w.rate())
		}
	}
	slices.Sort(rates)
	return (rates[(len(rates)-1)/2] + rates[len(rates)/2]) / 2
}

// mark is the peak in a few columns: ▲87×, ▲new, ▲burst, or nothing.
func (p peak) mark(lang catalog.Lang) string {
	switch {
	case p.new:
		return "▲" + catalog.Text{EN: "new", ZH: "新增"}.In(lang)
	case p.burst:
		return "▲" + catalog.Text{EN: "burst", ZH: "突发"}.In(lang)
	case p.ratio >= 99.5:
		return "▲99+×"
	case p.ratio > 0:
		return fmt.Sprintf("▲%.0f×", p.ratio)
	}
	return ""
}

// scale labels a sparkline of w columns with the times of its start, middle and end, as far as they fit.
func scale(tl aggregate.Timeline, w int) string {
	if tl.Start == nil || tl.Slots <= 0 {
		return ""
	}
	length := time.Duration(tl.Slots) * time.Duration(tl.SlotSeconds) * time.Second
	layout := "15:04"
	if length > 36*time.Hour {
		layout = "01-02"
	}
	at := func(part float64) string {
		return tl.Start.Add(time.Duration(part * float64(length))).Format(layout)
	}
	switch {
	case w >= 19:
		left := (w-5)/2 - 5
		return at(0) + spaces(left) + at(0.5) + spaces(w-15-left) + at(1)
	case w >= 11:
		return at(0) + spaces(w-10) + at(1)
	}
	return at(0)
}
