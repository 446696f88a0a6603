package tsne

import "math"

// math.Exp and math.Log are written in assembly for some processors and compiled, with fused
// products and sums, for others, so that their last digits differ. The functions below give on
// every processor what those of Go 1.26 give on amd64 with fused multiply-adds.

// exp returns e to the x: the Taylor series of a sixteenth of what is left of x beyond a multiple
// of log 2, squared four times as 1+y, of which only y is kept.
func exp(x float64) float64 {
	const (
		log2High = 0.69314718055966295651160180568695068359375
		log2Low  = 0.28235290563031577122588448175013436025525412068e-12
	)
	if x != x || x > 7.09782712893384e+02 {
		return x * math.Inf(1)
	}
	k := math.RoundToEven(x * math.Log2E)
	if k < -1075 {
		return 0
	}
	y := math.FMA(-k, log2Low, math.FMA(-k, log2High, x)) * 0.0625
	p := math.FMA(2.4801587301587301587e-5, y, 1.9841269841269841270e-4)
	p = math.FMA(p, y, 1.3888888888888888889e-3)
	p = math.FMA(p, y, 8.3333333333333333333e-3)
	p = math.FMA(p, y, 4.1666666666666666667e-2)
	p = math.FMA(p, y, 1.6666666666666666667e-1)
	p = math.FMA(p, y, 0.5)
	y = float64(y * math.FMA(p, y, 1))
	y = float64(y * (y + 2))
	y = float64(y * (y + 2))
	y = float64(y * (y + 2))
	y = math.FMA(y+2, y, 1)
	exponent := int(k) + 1023
	if exponent <= 0 { // below the normal numbers
		return y * math.Float64frombits(uint64(exponent+1022)<<52) * 0x1p-1022
	}
	return y * math.Float64frombits(uint64(exponent)<<52)
}

// exps sets every value of v to its exp.
func exps(v []float64) {
	for len(v) > 0 {
		v = v[expsFast(v):]
		for i := range min(4, len(v)) {
			v[i] = exp(v[i])
		}
		v = v[min(4, len(v)):]
	}
}

// log returns the natural logarithm of x (FreeBSD's e_log.c).
func log(x float64) float64 {
	if !(x > 0 && x <= math.MaxFloat64) {
		return math.Log(x)
	}
	f, exponent := math.Frexp(x)
	if f < math.Sqrt2/2 {
		f, exponent = f*2, exponent-1
	}
	f--
	k, s := float64(exponent), f/(2+f)
	s2 := s * s
	s4 := s2 * s2
	t := 6.666666666666735130e-01 + float64(s4*(2.857142874366239149e-01+
		float64(s4*(1.818357216161805012e-01+float64(s4*1.479819860511658591e-01)))))
	u := 3.999999999940941908e-01 +
		float64(s4*(2.222219843214978396e-01+float64(s4*1.531383769920937332e-01)))
	r := float64(s2*t) + float64(s4*u)
	half := float64(0.5 * f * f)
	low := float64(s*(half+r)) + float64(k*1.90821492927058770002e-10)
	return float64(k*6.93147180369123816490e-01) - ((half - low) - f)
}

// power returns x to the y for y from 0 to 1, as math.Pow does.
func power(x, y float64) float64 {
	switch {
	case y == 0:
		return 1
	case y == 0.5:
		return math.Sqrt(x)
	case y > 0.5:
		return exp((y-1)*log(x)) * x
	}
	return exp(y * log(x))
}
