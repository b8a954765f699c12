package storms

import (
	"math"

	"imerr-scan/internal/aggregate"
	"imerr-scan/internal/detect"
)

// Episode is one stay of a method in alert, in buckets.
type Episode struct {
	Onset    int64 // where the method says it began
	Fired    int64 // the bucket at whose end it fired
	Resolved int64 // the bucket at whose end it was over; 0 while it is not
	Kind     string
}

// Method finds spikes in one series of counts.
type Method interface {
	// Step takes bucket b, of which users are the ids, as far as the generator knows them.
	Step(b int64, y int64, users []uint64)
	Episodes() []Episode
}

// Ours is the detector, run as it runs in the product, on one code.
type Ours struct {
	d    *detect.Detector
	code int32
	in   detect.Bucket
	eps  []Episode
}

// NewOurs returns the detector with options for a code.
func NewOurs(opt detect.Options, code int32) *Ours { return &Ours{d: detect.New(opt), code: code} }

// origin is the bucket at which all series begin: midnight of a Monday.
const origin = 1_767_571_200 / 10

// Step takes bucket b; the users that are not given are as many others as it needs.
func (o *Ours) Step(b, y int64, users []uint64) {
	o.in.Start, o.in.Lines, o.in.Cells = (origin+b)*10_000, 1000, o.in.Cells[:0]
	if y > 0 {
		o.in.Cells = append(o.in.Cells, detect.Cell{Code: o.code, Cell: aggregate.Cell{Events: y, Users: y, Open: true, Hashes: users}})
	}
	o.take(o.d.Step(o.in))
}

func (o *Ours) take(alerts []detect.Alert) {
	for _, a := range alerts {
		if a.Kind == detect.KindLoopUser {
			continue
		}
		switch a.State {
		case detect.Firing:
			o.eps = append(o.eps, Episode{Onset: a.StartsAt.Unix()/10 - origin, Fired: a.FiredAt.Unix()/10 - origin - 1})
		case detect.Resolved:
			e := &o.eps[len(o.eps)-1]
			e.Resolved, e.Kind = a.At.Unix()/10-origin-1, a.Kind
		}
	}
}

// Episodes returns what was found.
func (o *Ours) Episodes() []Episode { return o.eps }

// state is the life of an alert of a simple method: it is over after 5 min without.
type state struct {
	eps   []Episode
	open  bool
	quiet int
}

func (s *state) step(b int64, over bool) {
	switch {
	case over && !s.open:
		s.eps = append(s.eps, Episode{Onset: b, Fired: b})
		s.open, s.quiet = true, 0
	case over:
		s.quiet = 0
	case s.open:
		if s.quiet++; s.quiet == 5*Minute {
			s.eps[len(s.eps)-1].Resolved = b
			s.open = false
		}
	}
}

func (s *state) Episodes() []Episode { return s.eps }

// window is a sum over the last n buckets.
type window struct {
	ring []int64
	at   int
	full bool
	sum  int64
}

func newWindow(n int) *window { return &window{ring: make([]int64, n)} }

func (w *window) push(y int64) (out int64) {
	out = w.ring[w.at]
	w.sum += y - out
	w.ring[w.at] = y
	if w.at++; w.at == len(w.ring) {
		w.at, w.full = 0, true
	}
	return out
}

// Threshold is a plain limit: more than Limit in 5 min.
type Threshold struct {
	state
	Limit float64
	w     *window
}

// Step takes a bucket.
func (t *Threshold) Step(b, y int64, _ []uint64) {
	if t.w == nil {
		t.w = newWindow(5 * Minute)
	}
	t.w.push(y)
	t.step(b, float64(t.w.sum) > t.Limit)
}

// ElastAlert is the spike rule of ElastAlert: the last 5 min against the 5 min before, three times as many (spike_height) and
// at least Least (threshold_cur), as in elastalert/ruletypes.py, SpikeRule.
type ElastAlert struct {
	state
	Least    float64
	cur, ref *window
}

// Step takes a bucket.
func (e *ElastAlert) Step(b, y int64, _ []uint64) {
	if e.cur == nil {
		e.cur, e.ref = newWindow(5*Minute), newWindow(5*Minute)
	}
	e.ref.push(e.cur.push(y))
	cur, ref := float64(e.cur.sum), float64(e.ref.sum)
	e.step(b, e.ref.full && cur >= e.Least && cur >= 3*ref)
}

// ZScore compares the last minute with mean and standard deviation of the minutes of the last hour.
type ZScore struct {
	state
	Z           float64
	minute      *window
	hour        []float64
	at, n       int
	sum, square float64
}

// Step takes a bucket.
func (z *ZScore) Step(b, y int64, _ []uint64) {
	if z.minute == nil {
		z.minute, z.hour = newWindow(Minute), make([]float64, 60)
	}
	z.minute.push(y)
	x := float64(z.minute.sum)
	over := false
	if z.n == len(z.hour) {
		mean := z.sum / 60
		sd := math.Sqrt(max(z.square/60-mean*mean, 0))
		over = x-mean >= 10 && x-mean > z.Z*max(sd, 1)
	}
	z.step(b, over)
	if b%Minute != Minute-1 {
		return
	}
	old := z.hour[z.at]
	z.sum, z.square = z.sum+x-old, z.square+x*x-old*old
	z.hour[z.at] = x
	z.at = (z.at + 1) % 60
	z.n = min(z.n+1, 60)
}

// EWMA is a control chart: the last minute against a mean and a variance that fade with a time constant of 30 min, and
// learn nothing while it alerts.
type EWMA struct {
	state
	L         float64
	minute    *window
	mean, dev float64
	n         int
}

// Step takes a bucket.
func (e *EWMA) Step(b, y int64, _ []uint64) {
	if e.minute == nil {
		e.minute = newWindow(Minute)
	}
	e.minute.push(y)
	x := float64(e.minute.sum)
	over := e.n >= 30 && x-e.mean >= 10 && x-e.mean > e.L*math.Sqrt(max(e.dev, 1))
	e.step(b, over)
	if b%Minute != Minute-1 || over {
		return
	}
	a := max(1.0/30, 1/float64(e.n+1))
	diff := x - e.mean
	e.mean += a * diff
	e.dev = (1 - a) * (e.dev + a*diff*diff)
	e.n++
}
