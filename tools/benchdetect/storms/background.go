package storms

import "math"

// bucketsOf a minute, an hour, a day, a week of event time.
const (
	Minute = 6
	Hour   = 60 * Minute
	Day    = 24 * Hour
	Week   = 7 * Day
)

// Scatter is how counts lie around their mean.
type Scatter int

const (
	Poisson  Scatter = iota
	Negative         // negative binomial, k = 5 a bucket
	Wander           // the mean itself wanders: log-AR, σ 0.2, τ 20 min
)

// background is the ordinary traffic of a code.
type background struct {
	source
	rate    float64 // a bucket
	scatter Scatter
	shape   func(b int64) float64 // of the day; nil is flat
	log     float64
}

// at returns the count of bucket b, of factor times the usual mean. It is asked for every bucket once, in order.
func (g *background) at(b int64, factor float64) int64 {
	m := g.rate * factor
	if g.shape != nil {
		m *= g.shape(b)
	}
	switch g.scatter {
	case Negative:
		if m > 0 {
			m *= g.gamma(5)
		}
	case Wander:
		const keep = 1 - 1.0/120
		g.log = g.log*keep + 0.2*math.Sqrt(1-keep*keep)*g.NormFloat64()
		m *= math.Exp(g.log - 0.02)
	}
	return g.poisson(m)
}

// daily is a day whose busiest time has ratio times the traffic of its calmest; the mean is 1.
func daily(ratio float64) func(b int64) float64 {
	swing := (ratio - 1) / (ratio + 1)
	return func(b int64) float64 { return 1 + swing*math.Sin(2*math.Pi*float64(b%Day)/Day) }
}
