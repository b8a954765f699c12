package corpus

import "math/bits"

// rng is splitmix64 (Steele, Lea, Flood 2014). math/rand/v2 does not promise the same numbers in every Go version.
type rng uint64

func (r *rng) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	return mix(uint64(*r))
}

// n returns a number in [0, limit). Its bias is below limit/2⁶⁴.
func (r *rng) n(limit int) int {
	hi, _ := bits.Mul64(r.next(), uint64(limit))
	return int(hi)
}

// between returns a number in [lo, hi].
func (r *rng) between(lo, hi int) int { return lo + r.n(hi-lo+1) }

// perMille is true in p of 1,000 cases.
func (r *rng) perMille(p int) bool { return r.n(1000) < p }

// mix spreads the bits of x. It also gives a user the same device, version and platform each time.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
