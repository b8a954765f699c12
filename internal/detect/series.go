package detect

import "math"

// bucketMillis is the width of a bucket of event time.
const bucketMillis = 10_000

const (
	clocks  = 3
	ringLen = 64 // buckets a series remembers one by one
	delay   = 60 // buckets that are not learned yet: the newest 10 min
	warmUp  = 12 // no alert in the first 120 s of a history
)

// clockBuckets is what each clock looks at: the last 10 s, 1 min, 10 min.
var clockBuckets = [clocks]int64{1, 6, 60}

// The edge clock asks how the last 3 min compare with what came just before them, because a level that wanders does not
// jump. It has a mean of its own, with less delay, and no day memory (decision 0010).
const (
	edge        = clocks // its number among the clocks
	edgeBuckets = 18
	edgeDecay   = 0.935506985031617737730433791647 // τ 150 s
	edgeLeast   = 12                               // buckets it must have learned
)

// Decay of what is learned, per bucket (local, daily) or per block (dispersion): exp(−width/τ), written out because exp is
// not the same on every machine.
const (
	localDecay = 0.9944598480048967508795473394730728424259 // τ 30 min
	dailyDecay = 0.9998842659569603914112545029906620385701 // τ 24 h
)

var blockDecay = [clocks]float64{ // τ 3 days
	0.9999614204972945751005965082543148688532,
	0.9997685453082895011164822336314982497321,
	0.9976878623029229512724844739189501307650,
}

const edgeBlockDecay = 0.999305796626292124974617375141 // τ 3 days

// level is a decayed sum and the decayed number of buckets in it.
type level struct{ s, n float64 }

func (l *level) add(x, decay float64) {
	l.s = float64(l.s*decay) + x
	l.n = float64(l.n*decay) + 1
}

// clock is what a series knows at one time scale: how much its counts scatter around the forecast, and the block of
// buckets that is being filled.
type clock struct {
	sum            int64 // of the last clockBuckets buckets
	blockY, blockF float64
	blockN         int64
	q, d, b        float64 // Σ((y−λ)²−λ), Σλ², blocks; decayed
	max            int64   // largest sum in this slot
	promise        float64
}

// spread returns v: counts with mean M have variance M + v·M².
func (c *clock) spread() float64 {
	w := 1.0
	if c.b > 0 {
		w = max(1, 10*c.d/c.b)
	}
	return max(1e-4, (c.q+float64(0.25*w))/(c.d+w))
}

// learn adds a full block of count y and forecast f.
func (c *clock) learn(y, f, decay float64) {
	c.q = float64(c.q*decay) + (float64((y-f)*(y-f)) - f)
	c.d = float64(c.d*decay) + float64(f*f)
	c.b = float64(c.b*decay) + 1
}

// past is one of the last ringLen buckets.
type past struct {
	y        uint32 // distinct users and events without a user
	events   uint32
	users    uint32 // of y
	forecast float64
	near     float64 // forecast of the edge clock
	skip     bool    // not to be learned: of an alert, or a gap
	gap      bool
}

// params are the settings of a series.
type params struct {
	threshold    float64 // H
	minCount     float64
	minUsers     int
	resolveAfter int64 // buckets
	adoptAfter   int64 // buckets
	severity     string
	off          bool
}

// change is what a step did to the state of a series.
type change uint8

const (
	nothing change = iota
	fired
	resolvedQuiet    // it is over
	resolvedNewLevel // it went on for so long that it is the usual now
)

// series is what is known of one code: what is usual, and whether it is firing. Buckets are numbered from the epoch.
type series struct {
	code    int32
	born    int64 // first bucket
	now     int64 // last bucket
	learned int64 // first bucket that is not learned yet
	lastHot int64 // last bucket of an alert, or before born
	lastGap int64 // last bucket that is a gap, or before born
	lastY   int64 // last bucket with y > 0, or before born
	asleep  bool

	local, daily level
	clocks       [clocks]clock
	near         level // of the edge clock
	edge         clock
	ring         [ringLen]past
	memory       dayMemory
	seen         int64 // buckets of this slot that are no gap
	dayKnown     bool

	firing bool
	onset  int64
	since  int64   // bucket in which it fired
	hot    int64   // last bucket that was above the usual
	quiet  int64   // buckets in a row that were calm
	frozen float64 // usual per bucket when it fired
	clock  int     // that fired
	score  float64 // S

	recent    recent
	profile   profile
	published bool
	ev        *evidence // while firing

	miss   miss // not part of the state, as raised
	raised bool // an alert was published
}

func newSeries(b int64) *series {
	s := &series{code: -1, born: b, now: b - 1, learned: b, lastHot: b - 1, lastGap: b - 1, lastY: b - 1}
	for i := range s.memory {
		s.memory[i] = [clocks]count16{unseen, unseen, unseen}
	}
	return s
}

func (s *series) at(b int64) *past { return &s.ring[b&(ringLen-1)] }

// usual returns the rate r per bucket, the shape a of its posterior, and the daily mean d.
func (s *series) usual() (r, a, d float64) {
	if s.daily.n == 0 {
		return 0, 0, 0
	}
	d = s.daily.s / s.daily.n
	p := s.daily.n
	if d > 0 {
		p = min(20/d, p)
	}
	a = 0.5 + s.local.s + float64(p*d)
	return a / (s.local.n + p), a, d
}

// step takes the next bucket of the series. Of x only the counts are looked at.
func (s *series) step(x past, gap bool, p *params) change {
	b := s.now + 1
	s.now = b
	r, a, d := s.usual()
	if b%slotBuckets == 0 {
		s.turnSlot(b)
	}
	x.forecast, x.gap, x.skip = r, gap, gap || s.firing
	if s.near.n > 0 {
		x.near = s.near.s / s.near.n
	}
	s.push(b, x)

	did := nothing
	switch {
	case s.firing:
		did = s.watch(b, p)
	case !gap && s.daily.n > 0 && b-s.born >= warmUp && !p.off:
		did = s.test(b, r, a, d, p)
	}
	s.learn(b)
	return did
}

// push puts the bucket into the ring and the sums of the clocks.
func (s *series) push(b int64, x past) {
	for k := range s.clocks {
		c := &s.clocks[k]
		c.sum += int64(x.y)
		if old := b - clockBuckets[k]; old >= s.born {
			c.sum -= int64(s.at(old).y)
		}
		c.max = max(c.max, c.sum)
	}
	s.edge.sum += int64(x.y)
	if old := b - edgeBuckets; old >= s.born {
		o := s.at(old)
		s.edge.sum -= int64(o.y)
		if !o.skip {
			s.near.add(float64(o.y), edgeDecay)
		}
	}
	*s.at(b) = x
	if x.y > 0 {
		s.lastY = b
	}
	if s.firing {
		s.lastHot = b
	}
	if x.gap {
		s.lastGap = b
	} else {
		s.seen++
	}
}

// turnSlot keeps the largest counts of the slot that ended before b and looks up what to expect of the one that begins.
func (s *series) turnSlot(b int64) {
	s.keepSlot(b)
	s.lookUp(b)
}

func (s *series) keepSlot(b int64) {
	slot := &s.memory[position(b-slotBuckets)]
	for k := range s.clocks {
		c := &s.clocks[k]
		slot[k] = unseen
		if 2*s.seen >= slotBuckets {
			slot[k] = pack(c.max)
		}
		c.max = 0
	}
	s.seen = 0
}

func (s *series) lookUp(b int64) {
	for k := range s.clocks {
		s.clocks[k].promise, s.dayKnown = s.memory.promise(b, k)
	}
}

// test asks whether one of the clocks shows more than chance allows.
func (s *series) test(b int64, r, a, d float64, p *params) change {
	rate := r
	if !s.dayKnown {
		rate = max(r, d)
	}
	best, at, usual := 0.0, -1, 0.0
	for k := range s.clocks {
		c := &s.clocks[k]
		if float64(c.sum) < p.minCount && float64(c.sum) <= float64(s.miss.near*p.minCount) {
			continue
		}
		have := s.have(b, clockBuckets[k])
		if have <= 0 {
			continue
		}
		m := max(float64(have)*rate, c.promise)
		y := float64(c.sum)
		if y <= 1.15*m || y-m < p.minCount && y-m <= float64(s.miss.near*p.minCount) {
			continue // no alert, and no nearer miss: most ends here
		}
		v := c.spread() + 1/a
		if y-m < p.minCount || y < 1.5*m {
			s.closer(b, k, y, m, 1.15*m, v, p)
			continue
		}
		z := surprise(y, 1.15*m, v)
		if z < p.threshold {
			s.closer(b, k, y, m, 1.15*m, v, p)
		}
		if z > best {
			best, at, usual = z, k, m
		}
	}
	if z, m := s.testEdge(b, rate, p); z > best {
		best, at, usual = z, edge, m
	}
	if at < 0 || best < p.threshold {
		return nothing
	}
	y, n := float64(s.edge.sum), float64(edgeBuckets)
	if at != edge {
		y, n = float64(s.clocks[at].sum), float64(clockBuckets[at])
	}
	s.firing, s.since, s.hot, s.quiet = true, b, b, 0
	s.frozen, s.clock, s.score = usual/n, at, best
	s.onset = s.findOnset(b, s.frozen, y/n)
	for i := s.onset; i <= b; i++ {
		s.at(i).skip = true
	}
	s.lastHot = b
	s.miss = miss{near: 1, bucket: b, clock: at, y: y, usual: usual, missing: MissingUsers} // until it is published
	return fired
}

// testEdge returns the surprise of the edge clock, and what was usual for it.
func (s *series) testEdge(b int64, rate float64, p *params) (score, usual float64) {
	y := float64(s.edge.sum)
	if y < p.minCount || s.near.n < edgeLeast || s.have(b, edgeBuckets) != edgeBuckets {
		return 0, 0
	}
	promise := min(s.clocks[2].promise, edgeBuckets/minuteBuckets*s.clocks[1].promise)
	m := max(edgeBuckets*max(rate, s.near.s/s.near.n), promise)
	if y <= m {
		return 0, 0
	}
	v := max(s.edge.spread(), 1/(0.5+s.near.s))
	if y-m < p.minCount || y < 1.5*m {
		s.closer(b, edge, y, m, m, v, p)
		return 0, 0
	}
	if score = surprise(y, m, v); score < p.threshold {
		s.closer(b, edge, y, m, m, v, p)
	}
	return score, m
}

// have returns how many of the last n buckets are no gap, or −1 if the window is not full, reaches back into an alert, or
// into buckets that are learned already.
func (s *series) have(b, n int64) int64 {
	first := b - n + 1
	if first < s.born || first <= s.lastHot || first < s.learned {
		return -1
	}
	if s.lastGap < first {
		return n
	}
	have := int64(0)
	for i := first; i <= b; i++ {
		if !s.at(i).gap {
			have++
		}
	}
	return have
}

// findOnset returns the first bucket of the run that ends at b and speaks most clearly for the rate r1 against r0.
func (s *series) findOnset(b int64, r0, r1 float64) int64 {
	ref := (r1 - r0) / ln(r1/r0)
	first := max(s.born, s.learned, s.lastHot+1, b-delay+1)
	onset, sum, best := b, 0.0, math.Inf(-1)
	for i := b; i >= first; i-- {
		if x := s.at(i); !x.gap {
			sum += float64(x.y) - ref
		}
		if sum > best {
			best, onset = sum, i
		}
	}
	return onset
}

// watch asks whether the storm is over: the last minute was calm for a while, and the last bucket that stood out is so far
// back as resolveAfter says. The minute alone would keep the storm in it up to a minute longer.
func (s *series) watch(b int64, p *params) change {
	bucket, minute := &s.clocks[0], &s.clocks[1]
	u := max(minuteBuckets*s.frozen, minute.promise)
	if float64(minute.sum) <= float64(1.25*u)+float64(2*minute.deviation(u))+1 {
		s.quiet++
	} else {
		s.quiet = 0
		if u := max(s.frozen, bucket.promise); float64(bucket.sum) > float64(1.25*u)+bucket.deviation(u) {
			s.hot = b
		}
	}
	switch {
	case s.quiet >= p.resolveAfter-minuteBuckets && b-s.hot >= p.resolveAfter:
		s.firing = false
		return resolvedQuiet
	case b-s.since >= p.adoptAfter:
		s.adopt(b)
		s.firing = false
		return resolvedNewLevel
	}
	return nothing
}

// deviation returns the standard deviation of a count of mean u.
func (c *clock) deviation(u float64) float64 { return math.Sqrt(u + float64(c.spread()*u*u)) }

// adopt makes the mean of the last 10 min the usual.
func (s *series) adopt(b int64) {
	var sum, n float64
	for i := max(b-delay+1, s.born); i <= b; i++ {
		if x := s.at(i); !x.gap {
			sum += float64(x.y)
			n++
		}
	}
	if n == 0 {
		return
	}
	s.local.s = float64(sum / n * s.local.n)
	s.daily.s = float64(sum / n * s.daily.n)
}

// learn takes in the buckets that are old enough, and lie in no alert and no gap.
func (s *series) learn(b int64) {
	lag := min(delay, (b-s.born+1)/2)
	for ; s.learned <= b-lag; s.learned++ {
		x := s.at(s.learned)
		if x.skip {
			continue
		}
		y := float64(x.y)
		s.local.add(y, localDecay)
		s.daily.add(y, dailyDecay)
		for k := range s.clocks {
			c := &s.clocks[k]
			c.blockY += y
			c.blockF += x.forecast
			if c.blockN++; c.blockN == clockBuckets[k] {
				c.learn(c.blockY, c.blockF, blockDecay[k])
				c.blockY, c.blockF, c.blockN = 0, 0, 0
			}
		}
		e := &s.edge
		e.blockY += y
		e.blockF += x.near
		if e.blockN++; e.blockN == edgeBuckets {
			e.learn(e.blockY, e.blockF, edgeBlockDecay)
			e.blockY, e.blockF, e.blockN = 0, 0, 0
		}
	}
	if s.local.s < tiny {
		s.local.s = 0
	}
	if s.daily.s < tiny {
		s.daily.s = 0
	}
	if s.near.s < tiny {
		s.near.s = 0
	}
}

// tiny is what is nothing: less is slow to reckon with on some machines.
const tiny = 1e-12

// markGap makes the last n buckets a gap after the fact: only now so many of them are empty that nobody can have listened.
func (s *series) markGap(n int64) {
	for b := s.now; b > s.now-n && b >= max(s.learned, s.born); b-- {
		x := s.at(b)
		if x.gap {
			continue
		}
		x.gap, x.skip = true, true
		s.lastGap = max(s.lastGap, b)
		if b/slotBuckets == s.now/slotBuckets {
			s.seen--
		}
	}
}
