package storms

import "math"

// Fleet is 70 codes on which nothing is wrong, of every kind that is met: rare and busy, even and clumped, with the day, the
// week, office hours, jobs, outages and deploys.
type Fleet struct {
	Codes []*Code
}

// Code is one code of a fleet.
type Code struct {
	Name    string
	Job     bool // jobs look like storms on their first day, and are left out there
	count   func(b int64) int64
	excused func(b int64) bool // whether an alert that fires now is right
}

// Count returns what bucket b has; buckets are asked for in order, each once.
func (c *Code) Count(b int64) int64 { return c.count(b) }

// Excused says whether an alert that fires in bucket b is none that could be called false.
func (c *Code) Excused(b int64) bool { return c.excused != nil && c.excused(b) }

// NewFleet returns the fleet of a seed, for so many buckets.
func NewFleet(seed uint64, length int64) *Fleet {
	f := &Fleet{}
	n := uint64(0)
	next := func() source { n++; return newSource(seed, n) }
	add := func(name string, count int, make func(s source) *Code) {
		for range count {
			c := make(next())
			c.Name = name
			f.Codes = append(f.Codes, c)
		}
	}
	add("rare", 20, func(s source) *Code { return even(s, s.logUniform(1e-4, 1e-2), 1) })
	add("few", 9, func(s source) *Code { return even(s, s.logUniform(0.05, 1), 1) })
	add("few, in clumps", 9, func(s source) *Code { return clumped(s, s.logUniform(0.05, 1)) })
	add("some", 12, func(s source) *Code { return even(s, s.logUniform(1, 30), s.uniform(1, 3)) })
	add("many", 8, func(s source) *Code { return busy(s, s.logUniform(30, 1000)) })
	add("very many", 3, func(s source) *Code { return busy(s, s.logUniform(1000, 10000)) })
	add("office hours", 2, office)
	add("hourly job", 1, func(s source) *Code { return job(s, Hour) })
	add("daily job", 1, func(s source) *Code { return job(s, Day) })
	add("outages", 2, func(s source) *Code { return outages(s, length) })
	add("deploys", 2, func(s source) *Code { return deploys(s, length) })
	add("random walk", 1, randomWalk)
	return f
}

func even(s source, perMinute, ratio float64) *Code {
	g := &background{source: s, rate: perMinute / Minute, shape: daily(ratio)}
	if perMinute > 1 {
		g.scatter = Scatter(s.IntN(3))
	}
	return &Code{count: func(b int64) int64 { return g.at(b, 1) }}
}

// clumped: up to four users at a time.
func clumped(s source, perMinute float64) *Code {
	return &Code{count: func(int64) int64 {
		sum := int64(0)
		for range s.poisson(perMinute / Minute / 2.5) {
			sum += s.between(1, 4)
		}
		return sum
	}}
}

// busy: overdispersed, with the day and the week.
func busy(s source, perMinute float64) *Code {
	scatter := Scatter(s.between(int64(Negative), int64(Wander)))
	day, weekend := daily(s.uniform(1, 5)), s.uniform(0.4, 1)
	g := &background{source: s, rate: perMinute / Minute, scatter: scatter}
	g.shape = func(b int64) float64 {
		if b/Day%7 >= 5 {
			return day(b) * weekend
		}
		return day(b)
	}
	return &Code{count: func(b int64) int64 { return g.at(b, 1) }}
}

// office: at about nine it rises to a multiple within minutes, at about six it falls; not at the same minute each day.
func office(s source) *Code {
	ratio, ramp := s.uniform(2, 6), s.uniform(5*Minute, 30*Minute)
	g := &background{source: s, rate: s.logUniform(2, 200) / Minute}
	late := 0.0
	g.shape = func(b int64) float64 {
		at := float64(b%Day) - late
		if b%Day == 0 {
			late = 5 * Minute * s.NormFloat64()
		}
		up := clamp01((at - 9*Hour) / ramp)
		down := clamp01((at - 18*Hour) / ramp)
		return 1 + (ratio-1)*(up-down)
	}
	return &Code{count: func(b int64) int64 { return g.at(b, 1) }}
}

func clamp01(x float64) float64 { return min(max(x, 0), 1) }

// job: some minutes of much at the same time of each hour or day.
func job(s source, every int64) *Code {
	at, length := s.between(0, every-1), s.between(Minute, 5*Minute)
	burst := s.logUniform(30, 300) / Minute
	g := &background{source: s, rate: s.logUniform(0.1, 5) / Minute}
	return &Code{Job: true, count: func(b int64) int64 {
		n := g.at(b, 1)
		if (b+every-at)%every < length {
			n += s.poisson(burst)
		}
		return n
	}}
}

// outages: now and then nothing for 5 to 60 min, and a burst of what was held back.
func outages(s source, length int64) *Code {
	g := &background{source: s, rate: s.logUniform(2, 300) / Minute, shape: daily(s.uniform(1, 3))}
	type outage struct{ from, to int64 }
	var all []outage
	for b := s.between(Hour, 3*Day); b < length; b += s.between(Day, 4*Day) {
		all = append(all, outage{b, b + s.between(5*Minute, 60*Minute)})
	}
	held := int64(0)
	in := func(b, after int64) bool {
		for _, o := range all {
			if b >= o.from && b < o.to+after {
				return true
			}
		}
		return false
	}
	return &Code{
		count: func(b int64) int64 {
			n := g.at(b, 1)
			if in(b, 0) {
				held += n / 4
				return 0
			}
			n += held
			held = 0
			return n
		},
		excused: func(b int64) bool { return in(b, 15*Minute) },
	}
}

// deploys: the level changes for good, mostly a little; one in four ×1.5 to ×3, which may alert once.
func deploys(s source, length int64) *Code {
	g := &background{source: s, rate: s.logUniform(2, 300) / Minute, shape: daily(s.uniform(1, 2))}
	type deploy struct {
		at   int64
		gain float64
		much bool
	}
	var all []deploy
	for b := s.between(Hour, 2*Day); b < length; b += s.between(Day, 3*Day) {
		d := deploy{at: b, gain: s.uniform(0.4, 1.4)}
		if s.Float64() < 0.25 {
			d.gain, d.much = s.uniform(1.5, 3), true
		}
		all = append(all, d)
	}
	level, next := 1.0, 0
	told := map[int64]bool{}
	return &Code{
		count: func(b int64) int64 {
			for next < len(all) && all[next].at <= b {
				level = min(max(level*all[next].gain, 0.1), 10)
				next++
			}
			return g.at(b, level)
		},
		excused: func(b int64) bool {
			for _, d := range all {
				if d.much && b >= d.at && b < d.at+12*Hour && !told[d.at] {
					told[d.at] = true // one alert is right, a second is not
					return true
				}
			}
			return false
		},
	}
}

// randomWalk: the level wanders without a home, by about ×2 a day.
func randomWalk(s source) *Code {
	g := &background{source: s, rate: s.logUniform(5, 100) / Minute}
	log := 0.0
	return &Code{count: func(b int64) int64 {
		log = min(max(log+0.7/math.Sqrt(Day)*s.NormFloat64(), -2), 2)
		return g.at(b, math.Exp(log))
	}}
}
