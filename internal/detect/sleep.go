package detect

// A series that was zero for longer than its ring, and is not firing, sleeps from the next slot on: nothing can happen to
// it before the next event, so that it is moved on slot by slot, in closed form. Most codes are silent most of the time,
// and a file may hold years of silence. When an event comes in mid-slot the buckets since the slot began are made up one by
// one; whether a series slept can thus be seen in the last digits of its rate at most, and never depends on who asks when.

// powers of a decay, and their sums: what c zeros do to a level.
type powers struct{ pow, sum [delay + 1]float64 }

func powersOf(decay float64) (p powers) {
	p.pow[0] = 1
	for i := 1; i <= delay; i++ {
		p.pow[i] = p.pow[i-1] * decay
		p.sum[i] = p.sum[i-1] + p.pow[i-1]
	}
	return p
}

var (
	localPowers = powersOf(localDecay)
	dailyPowers = powersOf(dailyDecay)
	blockPowers = [clocks]powers{powersOf(blockDecay[0]), powersOf(blockDecay[1]), powersOf(blockDecay[2])}

	nearPowers      = powersOf(edgeDecay)
	edgeBlockPowers = powersOf(edgeBlockDecay)
)

func (l *level) addZeros(n int64, p *powers) {
	l.s = float64(l.s * p.pow[n])
	l.n = float64(l.n*p.pow[n]) + p.sum[n]
	if l.s < tiny {
		l.s = 0
	}
}

// maySleep says whether nothing can happen to s before the next event.
func (s *series) maySleep() bool {
	return !s.firing && s.now-s.lastY >= ringLen && s.now-s.born >= 2*delay && s.now-s.lastHot >= ringLen
}

// sleepSlot moves a sleeping series over the slot that begins in the next bucket. Bit i of gaps says that bucket i of it is
// a gap.
func (s *series) sleepSlot(gaps uint64) {
	first := s.now + 1
	s.keepSlot(first)
	learn, forecast, near := int64(0), 0.0, 0.0
	for b := s.learned; b < first; b++ {
		if x := s.at(b); !x.skip {
			learn++
			forecast += x.forecast
			near += x.near
		}
	}
	if learn > 0 {
		s.learnZeros(learn, forecast/float64(learn), near/float64(learn))
	}
	r, _, _ := s.usual()
	e := 0.0
	if s.near.n > 0 {
		e = s.near.s / s.near.n
	}
	for i := range int64(slotBuckets) {
		gap := gaps>>i&1 != 0
		*s.at(first + i) = past{forecast: r, near: e, skip: gap, gap: gap}
		if gap {
			s.lastGap = first + i
		} else {
			s.seen++
		}
	}
	s.learned = first
	s.now = first + slotBuckets - 1
}

// learnZeros learns n ≤ delay buckets of nothing, of which f was expected in each, and near by the edge clock.
func (s *series) learnZeros(n int64, f, near float64) {
	s.local.addZeros(n, &localPowers)
	s.daily.addZeros(n, &dailyPowers)
	s.near.addZeros(n, &nearPowers)
	for k := range s.clocks {
		s.clocks[k].learnZeros(n, clockBuckets[k], f, blockDecay[k], &blockPowers[k])
	}
	s.edge.learnZeros(n, edgeBuckets, near, edgeBlockDecay, &edgeBlockPowers)
}

// learnZeros learns n buckets of nothing, of which f was expected in each; size of them make a block.
func (c *clock) learnZeros(n, size int64, f, decay float64, p *powers) {
	if c.blockN > 0 && c.blockN+n >= size {
		fill := size - c.blockN
		c.learn(c.blockY, c.blockF+float64(float64(fill)*f), decay)
		c.blockY, c.blockF, c.blockN = 0, 0, 0
		n -= fill
	}
	if full := n / size; c.blockN == 0 && full > 0 {
		c.addZeros(full, float64(float64(size)*f), p)
		n -= full * size
	}
	c.blockF += float64(float64(n) * f)
	c.blockN += n
}

// addZeros adds n full blocks of nothing, of which f was expected in each.
func (c *clock) addZeros(n int64, f float64, p *powers) {
	f2 := float64(f * f)
	c.q = float64(c.q*p.pow[n]) + float64((f2-f)*p.sum[n])
	c.d = float64(c.d*p.pow[n]) + float64(f2*p.sum[n])
	c.b = float64(c.b*p.pow[n]) + p.sum[n]
}

// wake moves a sleeping series to the bucket before b, which lies in the slot that begins in its next bucket. gaps is as in
// sleepSlot.
func (s *series) wake(b int64, gaps uint64, p *params) {
	s.asleep = false
	first := s.now + 1
	for i := int64(0); first+i < b; i++ {
		s.step(past{}, gaps>>i&1 != 0, p)
	}
}
