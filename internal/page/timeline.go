package page

import (
	"math"
	"slices"
	"strconv"
	"time"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/detect"
	"imerr-scan/pkg/catalog"
)

// The timeline is drawn in units of its viewBox.
const (
	chartWidth  = 960
	chartHeight = 230
	plotLeft    = 48
	plotRight   = 952
	plotTop     = 22
	plotBottom  = 204

	labelWidth = 14 // of the number of a band

	maxSlots     = 2880 // of a result
	maxColumns   = 288  // drawn; five minutes each for a day
	maxTableRows = 24
)

// chart is the events per minute, stacked by category.
type chart struct {
	ID                       string  // of its parts: timeline, timeline-6h
	Range                    *window // nil if it shows all there is
	Width, Height            int
	Left, Right, Top, Bottom int
	PlotHeight               int
	TickEnd, TickText        int
	Layers                   []layer
	Bands                    []band
	Xs, Ys                   []tick
	Peak                     string // events per minute in the busiest column
	PeakAt                   stamp
	Table                    []tableRow
}

type layer struct {
	Key, Path string
	Label     text
	Count     int64
}

type band struct {
	X, W  string
	Level string
	N     int
	mid   float64
}

// Mid is where its number stands.
func (b band) Mid() string { return tenth(b.mid) }

type tick struct{ At, Label string }

type tableRow struct {
	From   stamp
	Counts []int64
}

func clampSlots(n int) int { return min(max(n, 0), maxSlots) }

// hasTimeline says whether there is something to draw: an event has a time.
func (v *view) hasTimeline() bool {
	tl := &v.res.Timeline
	return tl.Start != nil && tl.Slots > 0 && tl.SlotSeconds > 0 && tl.SlotSeconds <= 1e6
}

// slot is how long one lasts.
func (v *view) slot() time.Duration { return time.Duration(v.res.Timeline.SlotSeconds) * time.Second }

// wholeChart shows all there is, nil if that is nothing.
func (v *view) wholeChart() *chart {
	if !v.hasTimeline() {
		return nil
	}
	return v.newChart(Timeline, v.byCategory(v.res.Codes, clampSlots(v.res.Timeline.Slots)), v.res.Timeline.Start.In(v.zone))
}

// newChart draws slots of the categories, which begin at start.
func (v *view) newChart(id string, slots [][]int64, start time.Time) *chart {
	c := &chart{ID: id, Width: chartWidth, Height: chartHeight, Left: plotLeft, Right: plotRight, Top: plotTop, Bottom: plotBottom,
		PlotHeight: plotBottom - plotTop, TickEnd: plotBottom + 5, TickText: plotBottom + 20}
	length := time.Duration(len(slots[0])) * v.slot()
	minutes := v.slot().Minutes()
	c.draw(slots, minutes)
	c.peak(v, slots, start, length, minutes)
	c.xTicks(start, length)
	for i := range v.records {
		if b, ok := newBand(&v.records[i], i+1, start, length); ok {
			c.Bands = append(c.Bands, b)
		}
	}
	for i := 1; i < len(c.Bands); i++ { // in order of time: numbers side by side, not on one another
		c.Bands[i].mid = max(c.Bands[i].mid, c.Bands[i-1].mid+labelWidth)
	}
	c.table(v, slots, start, length)
	return c
}

// categories are the layers from below; events of any other category count as general.
func categories() []string { return catalog.Categories() }

// byCategory adds up the events of codes in n slots.
func (v *view) byCategory(codes []aggregate.CodeResult, n int) [][]int64 {
	keys := categories()
	slots := make([][]int64, len(keys))
	for i := range slots {
		slots[i] = make([]int64, n)
	}
	for i := range codes {
		code := &codes[i]
		k := slices.Index(keys, code.Category)
		if k < 0 {
			k = slices.Index(keys, "general")
		}
		for j, count := range code.Timeline[:min(len(code.Timeline), n)] {
			slots[k][j] += min(max(count, 0), math.MaxInt32) // a forged count must not overflow the sum
		}
	}
	return slots
}

// columns are the averages of the slots in at most n columns.
func columns(slots []int64, n int) []float64 {
	n = min(n, len(slots))
	out := make([]float64, n)
	for i := range out {
		from, to := i*len(slots)/n, (i+1)*len(slots)/n
		var sum float64
		for _, c := range slots[from:to] {
			sum += float64(max(c, 0))
		}
		out[i] = sum / float64(to-from)
	}
	return out
}

// draw makes the layers, and the scale of rates per minute; a slot lasts so many minutes.
func (c *chart) draw(slots [][]int64, minutes float64) {
	keys := categories()
	stack := make([]float64, min(maxColumns, len(slots[0])))
	layers := make([][]float64, len(keys))
	for k := range keys {
		layers[k] = columns(slots[k], maxColumns)
		for i := range layers[k] {
			layers[k][i] /= minutes
			stack[i] += layers[k][i]
		}
	}
	step := niceStep(slices.Max(stack) / 3)
	top := step * math.Ceil(max(slices.Max(stack)/step, 1))
	y := func(rate float64) float64 { return plotBottom - rate/top*(plotBottom-plotTop) }
	for rate := 0.0; rate <= top+step/2; rate += step {
		c.Ys = append(c.Ys, tick{tenth(y(rate)), strconv.FormatFloat(rate, 'f', -1, 64)})
	}
	below := make([]float64, len(stack))
	for k, key := range keys {
		var count int64
		for _, s := range slots[k] {
			count += s
		}
		if count == 0 {
			continue
		}
		c.Layers = append(c.Layers, layer{Key: key, Label: word(categoryWords, key), Count: count, Path: bars(below, layers[k], y)})
	}
}

// bars is the path of a layer; it adds the layer to what lies below the next.
func bars(below, rates []float64, y func(float64) float64) string {
	var path []byte
	w := float64(plotRight-plotLeft) / float64(len(rates))
	for i, rate := range rates {
		if rate <= 0 {
			continue
		}
		lower, upper := tenth(y(below[i])), tenth(y(below[i]+rate))
		below[i] += rate
		path = append(path, "M"+tenth(plotLeft+float64(i)*w)+" "+lower+"V"+upper+"h"+tenth(w)+"V"+lower+"z"...)
	}
	return string(path)
}

func tenth(x float64) string { return strconv.FormatFloat(math.Round(10*x)/10, 'f', -1, 64) }

// niceStep is the least of 1, 2, 5 times a power of ten that is not below x, and not below 0.1.
func niceStep(x float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(max(x, 0.1))))
	for _, f := range []float64{1, 2, 5, 10} {
		if f*power >= x {
			return max(math.Round(f*power*10)/10, 0.1)
		}
	}
	return 10 * power
}

func (c *chart) peak(v *view, slots [][]int64, start time.Time, length time.Duration, minutes float64) {
	sums := sum(slots)
	rates := columns(sums, maxColumns)
	top := 0
	for i := range rates {
		if rates[i] > rates[top] {
			top = i
		}
	}
	at := start.Add(time.Duration(float64(length) * float64(top) / float64(len(rates))))
	c.PeakAt = v.at(&at)
	c.Peak = tenth(rates[top] / minutes)
}

func sum(slots [][]int64) []int64 {
	out := make([]int64, len(slots[0]))
	for _, s := range slots {
		for i := range s {
			out[i] += s[i]
		}
	}
	return out
}

var tickSteps = []time.Duration{
	time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour,
	12 * time.Hour, 24 * time.Hour, 48 * time.Hour, 7 * 24 * time.Hour, 14 * 24 * time.Hour, 28 * 24 * time.Hour,
}

// xTicks marks round times of the zone, eight at most.
func (c *chart) xTicks(start time.Time, length time.Duration) {
	step := tickSteps[len(tickSteps)-1]
	for _, s := range tickSteps {
		if length/s <= 8 {
			step = s
			break
		}
	}
	for length/step > 8 {
		step *= 2
	}
	layout := "15:04"
	if step >= 24*time.Hour {
		layout = "01-02"
	}
	_, offset := start.Zone()
	local := start.Unix() + int64(offset)
	seconds := int64(step / time.Second)
	first := start.Add(time.Duration((local+seconds-1)/seconds*seconds-local) * time.Second)
	for t := first; t.Sub(start) < length; t = t.Add(step) {
		label := t.Format(layout)
		if label == "00:00" {
			label = t.Format("01-02")
		}
		c.Xs = append(c.Xs, tick{tenth(place(t, start, length)), label})
	}
}

// place is where on the timeline a moment is.
func place(t, start time.Time, length time.Duration) float64 {
	part := t.Sub(start).Seconds() / length.Seconds()
	return plotLeft + min(max(part, 0), 1)*(plotRight-plotLeft)
}

func newBand(a *detect.Alert, n int, start time.Time, length time.Duration) (band, bool) {
	end := start.Add(length)
	if a.EndsAt != nil {
		end = *a.EndsAt
	}
	if end.Before(start) || a.StartsAt.After(start.Add(length)) {
		return band{}, false
	}
	x, to := place(a.StartsAt, start, length), place(end, start, length)
	w := max(to-x, 3)
	return band{X: tenth(x), W: tenth(w), Level: level(a.Severity), N: n, mid: x + w/2}, true
}

// table is the same for those who do not see the picture.
func (c *chart) table(v *view, slots [][]int64, start time.Time, length time.Duration) {
	n := min(maxTableRows, len(slots[0]))
	keys := categories()
	for i := range n {
		from, to := i*len(slots[0])/n, (i+1)*len(slots[0])/n
		at := start.Add(time.Duration(float64(length) * float64(from) / float64(len(slots[0]))))
		row := tableRow{From: v.at(&at)}
		for _, l := range c.Layers {
			var count int64
			for _, s := range slots[slices.Index(keys, l.Key)][from:to] {
				count += s
			}
			row.Counts = append(row.Counts, count)
		}
		c.Table = append(c.Table, row)
	}
}
