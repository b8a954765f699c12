// Package detect turns the cells of a tally into alerts: which code is worse than usual, since when, why, and when it ends.
// It is the last stop of a log line before notify and report.
//
// Words: a bucket is 10 s of event time; a count is what a bucket is judged by, distinct users and events without one; a
// clock is one of the three stretches looked at, the last 10 s, 1 min and 10 min; usual is what a clock should show; an
// alert fires, is updated and resolves; it is published once more than a user or two is behind it; an incident is one stay
// of an alert, which several codes of a family share. docs/alerts.md describes how it decides and how well.
//
// It is a pure function of event times: the same cells give the same alerts, to the last digit, from a file or live, on
// any machine, with any number of restarts between.
//
//	d := detect.New(detect.Options{Catalog: cat})
//	alerts := d.Feed(tally, detect.All)       // a file; live: d.Feed(tally, watermark.Closed(lateness))
//
// It sends nothing and knows no clock. The Watermark says which buckets are complete.
package detect

import (
	"cmp"
	"slices"

	"imerr-scan/internal/aggregate"
)

// Cell is one code in one bucket. Of the embedded cell Start does not matter.
type Cell struct {
	Code int32
	aggregate.Cell
}

// Bucket is 10 s of event time that is complete.
type Bucket struct {
	Start int64  // Unix milliseconds, a multiple of 10,000
	Lines int64  // of any kind, with or without an error, or 0 if nobody counts them
	Cells []Cell // ascending by code
}

// Detector holds what is usual and what is firing. It is used by one goroutine.
type Detector struct {
	opt    Options
	byCode map[int32]*params

	started   bool
	next      int64 // bucket
	series    []*series
	blank     *series // of a code that did not occur yet
	awake     int     // of series, with blank
	lines     level   // of a bucket
	empty     int64   // buckets without a line, in a row
	inGap     bool
	gaps      uint64 // of this slot
	all       profile
	incidents []*incident
	peaks     map[string][]peak
	limits    []*limit
	out       []Alert
}

// New returns a detector that has seen nothing. Options must be valid.
func New(opt Options) *Detector {
	d := &Detector{opt: opt.WithDefaults(), byCode: map[int32]*params{}, peaks: map[string][]peak{}}
	for _, l := range d.opt.Limits {
		d.limits = append(d.limits, newLimit(l))
	}
	return d
}

func (d *Detector) paramsOf(code int32) *params {
	p := d.byCode[code]
	if p == nil {
		p = d.opt.paramsOf(code)
		d.byCode[code] = p
	}
	return p
}

// Next returns the start of the next bucket that is expected, in Unix milliseconds; 0 before the first.
func (d *Detector) Next() int64 { return d.next * bucketMillis }

// Step takes the next bucket and returns the alert records of it and of the empty buckets before it. A bucket that lies
// before Next is ignored.
func (d *Detector) Step(in Bucket) []Alert {
	b := in.Start / bucketMillis
	if d.started && b < d.next || in.Start < 0 {
		return nil
	}
	if !d.started {
		d.start(b)
	}
	d.skipTo(b)
	d.step(b, in.Lines, in.Cells)
	return d.take()
}

// Advance says that nothing more comes of buckets that end at or before millis.
func (d *Detector) Advance(millis int64) []Alert {
	if d.started {
		d.skipTo(millis / bucketMillis)
	}
	return d.take()
}

func (d *Detector) take() []Alert {
	out := d.out
	d.out = nil
	return out
}

func (d *Detector) start(b int64) {
	d.started, d.next = true, b
	d.blank = newSeries(b)
	d.awake = 1
}

// skipTo takes empty buckets until b is next.
func (d *Detector) skipTo(b int64) {
	for d.next < b {
		d.step(d.next, 0, nil)
	}
}

func (d *Detector) step(b, lines int64, cells []Cell) {
	if b%slotBuckets == 0 {
		d.turnSlot()
	}
	gap := d.listen(b, lines, cells)
	d.next = b + 1
	if d.awake == 0 && len(cells) == 0 {
		return
	}
	for i := range cells {
		if d.find(cells[i].Code) == nil {
			d.admit(b, cells[i].Code)
		}
	}
	rest := cells
	for _, s := range d.series {
		for len(rest) > 0 && rest[0].Code < s.code {
			rest = rest[1:]
		}
		var c *Cell
		if len(rest) > 0 && rest[0].Code == s.code {
			c, rest = &rest[0], rest[1:]
		}
		d.stepSeries(s, b, c, gap)
	}
	d.stepSeries(d.blank, b, nil, gap)
	for i := range cells {
		d.all.add(b, cells[i].Values, d.find(cells[i].Code).firing)
	}
	for _, l := range d.limits {
		d.stepLimit(l, b, cells)
	}
	d.tend(b)
}

// turnSlot moves sleeping series over the slot that has just ended and lets others fall asleep.
func (d *Detector) turnSlot() {
	d.awake = 0
	for _, l := range d.limits {
		if !l.idle() {
			d.awake++
		}
	}
	turn := func(s *series) {
		switch {
		case s.asleep:
			if s.now < d.next-1 {
				s.sleepSlot(d.gaps)
			}
		case s.maySleep():
			s.asleep = true
		default:
			d.awake++
		}
	}
	for _, s := range d.series {
		turn(s)
	}
	turn(d.blank)
	d.gaps = 0
}

// listen decides whether bucket b belongs to a gap: so many buckets without a line of any kind that nobody can have been
// listening.
func (d *Detector) listen(b, lines int64, cells []Cell) (gap bool) {
	var events int64
	for i := range cells {
		events += max(cells[i].Events, 0)
	}
	if lines = max(lines, events); lines > 0 {
		if !d.inGap {
			for range min(d.empty, ringLen*ringLen) {
				d.lines.add(0, localDecay)
			}
		}
		d.lines.add(float64(lines), localDecay)
		d.empty, d.inGap = 0, false
		return false
	}
	d.empty++
	if !d.inGap && d.lines.n > 0 && d.lines.s/d.lines.n*float64(d.empty) >= 20 {
		d.inGap = true
		d.markGap(b)
	}
	if d.inGap {
		d.gaps |= 1 << (b % slotBuckets)
	}
	return d.inGap
}

// markGap makes the empty buckets before b a gap, which only now is known to be one.
func (d *Detector) markGap(b int64) {
	n := min(d.empty-1, ringLen)
	for i := b - n; i < b; i++ {
		if i/slotBuckets == b/slotBuckets {
			d.gaps |= 1 << (i % slotBuckets)
		}
	}
	for _, s := range append([]*series{d.blank}, d.series...) {
		if !s.asleep {
			s.markGap(n)
		}
	}
}

// find returns the series of a code, or nil.
func (d *Detector) find(code int32) *series {
	i, found := slices.BinarySearchFunc(d.series, code, func(s *series, code int32) int { return cmp.Compare(s.code, code) })
	if !found {
		return nil
	}
	return d.series[i]
}

// admit opens the series of a code: it was zero since the log began.
func (d *Detector) admit(b int64, code int32) {
	s := new(series)
	*s = *d.blank
	s.code = code
	i, _ := slices.BinarySearchFunc(d.series, code, func(s *series, code int32) int { return cmp.Compare(s.code, code) })
	d.series = slices.Insert(d.series, i, s)
	if !s.asleep {
		d.awake++
	}
}

func (d *Detector) stepSeries(s *series, b int64, c *Cell, gap bool) {
	p := d.paramsOf(s.code)
	if s.asleep {
		if c == nil {
			return
		}
		s.wake(b, d.gaps, p)
		d.awake++
	}
	was := s.firing
	did := s.step(c.past(), gap, p)
	if c != nil {
		s.recent.add(b, c.Hashes, c.Kicks)
		s.profile.add(b, c.Values, was || s.firing)
	}
	switch {
	case did == fired:
		s.openEvidence(b, c)
	case was:
		s.addEvidence(b, c)
	}
	if s.firing && !s.published && s.manyUsers(b, p) {
		d.publish(s, b)
	}
	if did == resolvedQuiet || did == resolvedNewLevel {
		d.end(s, did, b)
	}
}

// past is what the ring keeps of a cell.
func (c *Cell) past() past {
	if c == nil {
		return past{}
	}
	users := clamp(c.Users)
	return past{y: sum32(users, clamp(c.Anonymous)), users: users, events: clamp(c.Events)}
}

// maxCount is the greatest count of a bucket: sums over a ring stay far from overflow.
const maxCount = 1 << 31

func clamp(n int64) uint32 { return uint32(min(max(n, 0), maxCount)) }

// openEvidence gathers what is known since the onset.
func (s *series) openEvidence(b int64, c *Cell) {
	s.ev = &evidence{}
	for i := s.onset; i <= b; i++ {
		s.ev.add(*s.at(i), s.expected(i))
	}
	s.recent.since(s.onset, func(x sighting) {
		if x.bucket < b {
			s.ev.see(x, isKick(s.code))
		}
	})
	if c != nil {
		s.ev.seeAll(b, c)
	}
	s.profile.advance(b / minuteBuckets)
	s.ev.changes = s.profile.open(s.onset)
}

func (s *series) addEvidence(b int64, c *Cell) {
	s.ev.add(*s.at(b), s.expected(b))
	if c != nil {
		s.ev.seeAll(b, c)
		s.ev.changes.add(c.Values)
	}
}

// expected returns what was usual in bucket b of an alert.
func (s *series) expected(b int64) float64 {
	if s.at(b).gap {
		return 0
	}
	return s.frozen
}

// seeAll takes the users of a cell.
func (e *evidence) seeAll(b int64, c *Cell) {
	for i, user := range c.Hashes {
		x := sighting{bucket: b, user: user}
		if i < len(c.Kicks) {
			x.devices = c.Kicks[i].Devices
		}
		e.see(x, isKick(c.Code))
	}
}

// manyUsers says whether the storm would still be one without its busiest users, and not by the scatter of all others.
func (s *series) manyUsers(b int64, p *params) bool {
	first := max(s.onset, b-delay+1)
	usual := 0.0
	for i := first; i <= b; i++ {
		usual += s.expected(i)
	}
	left, anyUser := s.withoutBusiest(first, p.minUsers-1)
	excess := float64(left) - usual
	return !anyUser || excess >= p.minCount-publishAllowance && excess >= 2*s.clocks[clocks-1].deviation(usual)
}
