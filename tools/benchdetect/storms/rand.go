// Package storms makes the traffic that the detector is measured on: quiet fleets of codes, storms of known begin and end,
// kick storms of known kind; and beside the detector four simple ways of finding a spike. All of it follows from a seed.
package storms

import (
	"math"
	"math/rand/v2"
)

// source is randomness that follows from a seed.
type source struct{ *rand.Rand }

func newSource(seed, stream uint64) source {
	return source{rand.New(rand.NewPCG(seed, stream*0x9e3779b97f4a7c15+1))}
}

// uniform returns a number in [a, b).
func (s source) uniform(a, b float64) float64 { return a + (b-a)*s.Float64() }

// logUniform returns a number in [a, b), small ones as often as great ones.
func (s source) logUniform(a, b float64) float64 {
	return a * math.Exp(math.Log(b/a)*s.Float64())
}

// between returns a whole number in [a, b].
func (s source) between(a, b int64) int64 { return a + s.Int64N(b-a+1) }

// poisson returns a count of mean m: by inversion, and above 30 by rejection (Hörmann 1993, PTRS).
func (s source) poisson(m float64) int64 {
	switch {
	case m <= 0:
		return 0
	case m < 30:
		n, p, u := int64(0), math.Exp(-m), s.Float64()
		for c := p; u > c && n < 1000; c += p {
			n++
			p *= m / float64(n)
		}
		return n
	}
	b := 0.931 + 2.53*math.Sqrt(m)
	a := -0.059 + 0.02483*b
	inverse := 1.1239 + 1.1328/(b-3.4)
	accept := 0.9277 - 3.6224/(b-2)
	for {
		u, v := s.Float64()-0.5, s.Float64()
		us := 0.5 - math.Abs(u)
		k := math.Floor((2*a/us+b)*u + m + 0.43)
		if us >= 0.07 && v <= accept {
			return int64(k)
		}
		if k < 0 || us < 0.013 && v > us {
			continue
		}
		g, _ := math.Lgamma(k + 1)
		if math.Log(v*inverse/(a/(us*us)+b)) <= k*math.Log(m)-m-g {
			return int64(k)
		}
	}
}

// gamma returns a number of mean 1 and shape k (Marsaglia and Tsang 2000).
func (s source) gamma(k float64) float64 {
	if k < 1 {
		return s.gamma(k+1) * (k + 1) / k * math.Pow(s.Float64(), 1/k)
	}
	d := k - 1.0/3
	c := 1 / math.Sqrt(9*d)
	for {
		x := s.NormFloat64()
		v := 1 + c*x
		if v <= 0 {
			continue
		}
		v = v * v * v
		if u := s.Float64(); math.Log(u) < 0.5*x*x+d-d*v+d*math.Log(v) {
			return d * v / k
		}
	}
}
