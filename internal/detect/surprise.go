package detect

import "math"

// surprise returns −ln P(Y ≥ y) for a count Y, negative binomial with the given mean and variance mean + v·mean². It is
// never more than the truth: the tail is bounded from above by a geometric series. y must lie above the mean.
func surprise(y, mean, v float64) float64 {
	k := 1 / v
	hit := mean / (mean + k)
	lp := logGamma(y+k) - logGamma(k) - logGamma(y+1)
	lp += float64(k * ln(k/(mean+k)))
	lp += float64(y * ln(hit))
	ratio := (y + k) / (y + 1) * hit // of the next probability to this one; falls with y, or if k < 1 rises to hit
	if k < 1 {
		ratio = hit
	}
	return ln(1-ratio) - lp
}

// ln is the natural logarithm of x > 0. The one of package math is written in assembly on some machines, and may be fused
// on others; this one, the algorithm of FreeBSD's e_log.c, has the same bits everywhere.
func ln(x float64) float64 {
	const (
		hi = 6.93147180369123816490e-01
		lo = 1.90821492927058770002e-10
		c1 = 6.666666666666735130e-01
		c2 = 3.999999999940941908e-01
		c3 = 2.857142874366239149e-01
		c4 = 2.222219843214978396e-01
		c5 = 1.818357216161805012e-01
		c6 = 1.531383769920937332e-01
		c7 = 1.479819860511658591e-01
	)
	f, exponent := math.Frexp(x)
	if f < math.Sqrt2/2 {
		f *= 2
		exponent--
	}
	f--
	k := float64(exponent)
	s := f / (2 + f)
	s2 := float64(s * s)
	s4 := float64(s2 * s2)
	odd := float64(s2 * (c1 + float64(s4*(c3+float64(s4*(c5+float64(s4*c7)))))))
	even := float64(s4 * (c2 + float64(s4*(c4+float64(s4*c6)))))
	half := float64(0.5 * f * f)
	low := float64(s*(half+odd+even)) + float64(k*lo)
	return float64(k*hi) - ((half - low) - f)
}

// logGamma is the logarithm of the gamma function of x > 0, by Stirling's series; good to 11 digits, the same everywhere.
func logGamma(x float64) float64 {
	const halfLog2Pi = 0.91893853320467274178
	product := 1.0
	for x < 8 {
		product *= x
		x++
	}
	i := 1 / x
	i2 := float64(i * i)
	series := float64(i * (1.0/12 - float64(i2*(1.0/360-float64(i2*(1.0/1260-float64(i2*(1.0/1680-float64(i2/1188)))))))))
	return float64((x-0.5)*ln(x)) - x + halfLog2Pi + series - ln(product)
}
