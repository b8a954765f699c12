package storms

import "slices"

// Row is one line of the acceptance table: a kind of storm that happens many times over a background.
type Row struct {
	Name   string
	Rates  []float64 // of the background, a minute
	Within int64     // buckets that count as fast
	// MustFind and MustBeFast are the shares of storms that the acceptance table asks for, and Median the greatest median delay in
	// minutes; 0 asks for nothing.
	MustFind, MustBeFast, Median float64
	Reference                    string // what the reference of the table found
	// storm draws a storm; around is the background's rate a minute.
	storm func(s source, around float64) storm
}

// storm is what is added to a series.
type storm struct {
	length int64
	factor func(i int64) float64  // of the background in bucket i of the storm, or nil
	users  func(i int64) []uint64 // more of them, or nil
}

// crowd spreads users over a length: in[i] are those of bucket i.
func crowd(in [][]uint64) storm {
	return storm{length: int64(len(in)), users: func(i int64) []uint64 { return in[i] }}
}

// Rows returns the storms of the acceptance table.
func Rows() []Row {
	busy := []float64{10, 30, 100, 300, 1000}
	kicks := []float64{0.05, 0.3, 1, 3, 10}
	step := func(factor float64, minutes int64) func(source, float64) storm {
		return func(source, float64) storm {
			return storm{length: minutes * Minute, factor: func(int64) float64 { return factor }}
		}
	}
	return []Row{
		{
			Name: "step ×10, 15 min, ≥ 10/min", Rates: busy, Within: 6, MustFind: 0.99, MustBeFast: 0.97, Reference: "100 %, 99 %",
			storm: step(10, 15),
		},
		{
			Name: "step or 1-min burst ×50, ≥ 1/min", Rates: append([]float64{1, 3}, busy...), Within: 6, MustBeFast: 0.99, Reference: "100 %",
			storm: func(s source, around float64) storm {
				if s.Float64() < 0.5 {
					return step(50, 1)(s, around)
				}
				return step(50, 15)(s, around)
			},
		},
		{
			Name: "step ×10, 15 min, 1/min", Rates: []float64{1}, Within: 30, MustFind: 0.9, MustBeFast: 0.75, Reference: "98 %, 81 %",
			storm: step(10, 15),
		},
		{
			Name: "step ×3, 15 min, ≥ 10/min", Rates: busy, Within: 6, MustFind: 0.55, Reference: "66 %",
			storm: step(3, 15),
		},
		{
			Name: "ramp to ×10 over 10 min, ≥ 10/min", Rates: busy, Within: 30, MustFind: 0.98, Median: 5, Reference: "100 %, median 3.5–4.5 min",
			storm: func(source, float64) storm {
				return storm{length: 15 * Minute, factor: func(i int64) float64 { return 1 + 9*min(float64(i+1)/(10*Minute), 1) }}
			},
		},
		{
			Name: "mass, 200–5,000 users in 5–30 min", Rates: kicks, Within: 6, MustFind: 0.98, MustBeFast: 0.94, Reference: "99.6 %, 97 %",
			storm: func(s source, _ float64) storm {
				return crowd(mass(s, int(s.logUniform(200, 5000)), s.between(5*Minute, 30*Minute)))
			},
		},
		{
			Name: "ping-pong, 5–40 accounts, a kick each 5–15 s", Rates: kicks, Within: 6, MustFind: 0.98, MustBeFast: 0.95, Reference: "99.6 %, 98 %",
			storm: func(s source, _ float64) storm {
				return crowd(loops(s, int(s.between(5, 40)), s.between(5*Minute, 20*Minute), 5, 15))
			},
		},
		{
			Name: "API kick of 50–2,000 users in 10–60 s", Rates: kicks, Within: 6, MustBeFast: 0.99, Reference: "100 %",
			storm: func(s source, _ float64) storm {
				return crowd(once(s, int(s.logUniform(50, 2000)), s.between(1, 6)))
			},
		},
		{
			Name: "password wave to 5–60/min over 5–20 min", Rates: kicks[:3], Within: 30, MustFind: 0.8, Reference: "87 %, median 5.5 min",
			storm: func(s source, _ float64) storm {
				return crowd(wave(s, s.logUniform(5, 60), s.between(5*Minute, 20*Minute)))
			},
		},
	}
}

// mass: each user once or twice, most of them early.
func mass(s source, users int, length int64) [][]uint64 {
	in := make([][]uint64, length)
	for range users {
		user := s.Uint64()
		at := min(s.Int64N(length), s.Int64N(length))
		in[at] = append(in[at], user)
		if s.Float64() < 0.3 {
			if at += s.between(1, 9); at < length {
				in[at] = append(in[at], user)
			}
		}
	}
	return in
}

// once: each user once, evenly.
func once(s source, users int, length int64) [][]uint64 {
	in := make([][]uint64, length)
	for range users {
		at := s.Int64N(length)
		in[at] = append(in[at], s.Uint64())
	}
	return in
}

// loops: each account is kicked over and over, every lo to hi seconds.
func loops(s source, accounts int, length int64, lo, hi float64) [][]uint64 {
	in := make([][]uint64, length)
	for range accounts {
		user := s.Uint64()
		gap := s.uniform(lo, hi)
		for at := s.uniform(0, 30); int64(at/10) < length; at += gap * s.uniform(0.9, 1.1) {
			b := int64(at / 10)
			if n := len(in[b]); n == 0 || in[b][n-1] != user {
				in[b] = append(in[b], user)
			}
		}
	}
	return in
}

// wave: swells to a peak per minute over a length, and ebbs as slowly.
func wave(s source, peak float64, length int64) [][]uint64 {
	in := make([][]uint64, 2*length)
	for i := range in {
		x := float64(min(int64(i), 2*length-int64(i))) / float64(length)
		for range s.poisson(peak / Minute * x) {
			in[i] = append(in[i], s.Uint64())
		}
	}
	return in
}

// Score is how a method did on a row.
type Score struct {
	Storms, Found, Fast   int
	Episodes              int // that overlap a storm or its end
	Delay, Resolve, Onset []int64
}

// Add adds up scores.
func (s *Score) Add(o Score) {
	s.Storms += o.Storms
	s.Found += o.Found
	s.Fast += o.Fast
	s.Episodes += o.Episodes
	s.Delay = append(s.Delay, o.Delay...)
	s.Resolve = append(s.Resolve, o.Resolve...)
	s.Onset = append(s.Onset, o.Onset...)
}

// FoundShare returns the share of the storms that were found.
func (s *Score) FoundShare() float64 { return float64(s.Found) / float64(s.Storms) }

// FastShare returns the share of the storms that were found in time.
func (s *Score) FastShare() float64 { return float64(s.Fast) / float64(s.Storms) }

// EpisodesPer returns how many alerts a found storm had.
func (s *Score) EpisodesPer() float64 { return float64(s.Episodes) / float64(max(s.Found, 1)) }

// Quantile returns a quantile of some numbers of buckets in minutes, −1 without any.
func Quantile(buckets []int64, q float64) float64 {
	if len(buckets) == 0 {
		return -1
	}
	s := slices.Sorted(slices.Values(buckets))
	return float64(s[min(int(q*float64(len(s))), len(s)-1)]) / Minute
}

// span is when a storm was.
type span struct{ from, to int64 }

// grace is how long after the end of a storm an alert is still about it.
const grace = 2 * Minute

func score(r *Row, spans []span, eps []Episode) Score {
	var s Score
	for _, sp := range spans {
		s.Storms++
		found := false
		for _, e := range eps {
			if e.Fired < sp.from || e.Fired >= sp.to+15*Minute {
				continue
			}
			s.Episodes++
			if found || e.Fired >= sp.to+grace {
				continue
			}
			found = true
			s.Found++
			delay := e.Fired + 1 - sp.from
			s.Delay = append(s.Delay, delay)
			if delay <= r.Within {
				s.Fast++
			}
			s.Onset = append(s.Onset, max(e.Onset-sp.from, sp.from-e.Onset))
			if e.Resolved > 0 {
				s.Resolve = append(s.Resolve, e.Resolved+1-sp.to)
			}
		}
	}
	return s
}

// Run lets methods look at a row: every rate, scatter and shape of the day, so many storms each after eight quiet days.
func (r *Row) Run(seed uint64, storms int, methods func() []Method) []Score {
	var total []Score
	stream := uint64(0)
	for _, rate := range r.Rates {
		for scatter := Poisson; scatter <= Wander; scatter++ {
			for _, ratio := range []float64{1, 3} {
				stream++
				ms := methods()
				spans := r.play(newSource(seed, 1000+stream), rate, scatter, ratio, storms, ms)
				if total == nil {
					total = make([]Score, len(ms))
				}
				for i, m := range ms {
					total[i].Add(score(r, spans, m.Episodes()))
				}
			}
		}
	}
	return total
}

// play runs one series and returns when its storms were.
func (r *Row) play(s source, rate float64, scatter Scatter, ratio float64, storms int, ms []Method) []span {
	g := &background{source: newSource(s.Uint64(), 1), rate: rate / Minute, scatter: scatter, shape: daily(ratio)}
	var spans []span
	var users []uint64
	now := storm{}
	at, left := int64(8*Day)+s.Int64N(Hour), storms
	for b := int64(0); left > 0 || b < at; b++ {
		if b == at && left > 0 {
			now = r.storm(s, rate)
			spans = append(spans, span{b, b + now.length})
		}
		factor, more := 1.0, []uint64(nil)
		if i := b - at; i >= 0 && i < now.length {
			if now.factor != nil {
				factor = now.factor(i)
			}
			if now.users != nil {
				more = now.users(i)
			}
			if i == now.length-1 {
				at = b + s.between(10*Hour, 20*Hour)
				left--
			}
		}
		n := g.at(b, factor)
		users = users[:0]
		if n <= 200 {
			for range n {
				users = append(users, g.Uint64())
			}
		}
		users = append(users, more...)
		slices.Sort(users)
		for _, m := range ms {
			m.Step(b, n+int64(len(more)), users)
		}
	}
	return spans
}
