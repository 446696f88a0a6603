package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// neighborLoop makes a loop over eight neighbours at a time; body gets the coordinates.
func neighborLoop(dims int, pos, index, n Register, body func(at []VecVirtual)) {
	var id [8]GPVirtual
	for i := range id {
		id[i] = GP64()
	}
	Label("loop")
	CMPQ(n, Imm(8))
	JL(LabelRef("done"))
	for i := range id {
		MOVLQSX(Mem{Base: index, Disp: 4 * i}, id[i])
	}
	var v []VecVirtual
	if dims == 2 {
		a, b, t := YMM(), YMM(), XMM()
		VMOVSD(at(pos, id[0], 8), a.AsX())
		VMOVHPS(at(pos, id[1], 8), a.AsX(), a.AsX())
		VMOVSD(at(pos, id[4], 8), t)
		VMOVHPS(at(pos, id[5], 8), t, t)
		VINSERTF128(U8(1), t, a, a)
		VMOVSD(at(pos, id[2], 8), b.AsX())
		VMOVHPS(at(pos, id[3], 8), b.AsX(), b.AsX())
		VMOVSD(at(pos, id[6], 8), t)
		VMOVHPS(at(pos, id[7], 8), t, t)
		VINSERTF128(U8(1), t, b, b)
		x, y := YMM(), YMM()
		VSHUFPS(U8(0x88), b, a, x)
		VSHUFPS(U8(0xdd), b, a, y)
		v = []VecVirtual{x, y}
	} else {
		var r [4]VecVirtual
		for i := range r {
			r[i] = YMM()
			lo, hi := id[i], id[i+4]
			ADDQ(lo, lo)
			ADDQ(hi, hi)
			VMOVUPS(at(pos, lo, 8), r[i].AsX())
			VINSERTF128(U8(1), at(pos, hi, 8), r[i], r[i])
		}
		// Transpose 4 x 4 in both halves, less the unused last coordinate.
		t0, t1, x, y, z := YMM(), YMM(), YMM(), YMM(), YMM()
		VUNPCKLPS(r[1], r[0], t0) // x0 x1 y0 y1
		VUNPCKLPS(r[3], r[2], t1) // x2 x3 y2 y3
		VSHUFPS(U8(0x44), t1, t0, x)
		VSHUFPS(U8(0xee), t1, t0, y)
		VUNPCKHPS(r[1], r[0], t0) // z0 z1
		VUNPCKHPS(r[3], r[2], t1)
		VSHUFPS(U8(0x44), t1, t0, z)
		v = []VecVirtual{x, y, z}
	}
	body(v)
	ADDQ(Imm(32), index)
	SUBQ(Imm(8), n)
	JMP(LabelRef("loop"))
	Label("done")
}

var coordinates = []string{"x", "y", "z"}

func neighborSignature(dims int, results string) string {
	if dims == 2 {
		return "func(pos *float32, index *int32, p *float32, n int, x, y float32) " + results
	}
	return "func(pos *float32, index *int32, p *float32, n int, x, y, z float32) " + results
}

// away replaces the neighbours' coordinates by the way from them and returns 1 + the
// squared distance.
func away(dims int, self, v []VecVirtual, one Op) VecVirtual {
	d2, t := YMM(), YMM()
	for c := range dims {
		VSUBPS(v[c], self[c], v[c])
		if c == 0 {
			VMULPS(v[c], v[c], d2)
			VADDPS(one, d2, d2)
		} else {
			VMULPS(v[c], v[c], t)
			VADDPS(t, d2, d2)
		}
	}
	return d2
}

func attract(dims int) {
	name := fmt.Sprintf("attract%dAVX2", dims)
	results := "(fx, fy float32)"
	if dims == 3 {
		results = "(fx, fy, fz float32)"
	}
	TEXT(name, NOSPLIT, neighborSignature(dims, results))
	Doc(name + fmt.Sprintf(" is attract%dGo for n neighbours.", dims))
	pos, index := Load(Param("pos"), GP64()), Load(Param("index"), GP64())
	p, n := Load(Param("p"), GP64()), Load(Param("n"), GP64())
	self := make([]VecVirtual, dims)
	for c := range self {
		self[c] = YMM()
		broadcast(coordinates[c], self[c])
	}
	sum := zeros(dims)
	one := loadOne()
	neighborLoop(dims, pos, index, n, func(v []VecVirtual) {
		d2 := away(dims, self, v, one)
		w := YMM()
		VMOVUPS(Mem{Base: p}, w)
		VDIVPS(d2, w, w)
		for c := range dims {
			VMULPS(w, v[c], v[c])
			VADDPS(v[c], sum[c], sum[c])
		}
		ADDQ(Imm(32), p)
	})
	for c := range dims {
		fold(sum[c])
	}
	VZEROUPPER()
	for c := range dims {
		Store(sum[c].AsX(), ReturnIndex(c))
	}
	RET()
}

var logMem map[string]Mem

// logSum sums p log(1+d²) with the polynomial of logApprox.
func logSum(dims int) {
	name := fmt.Sprintf("logSum%dAVX2", dims)
	TEXT(name, NOSPLIT, neighborSignature(dims, "float32"))
	Doc(name + " is logSumGo for n neighbours.")
	if logMem == nil {
		logMem = map[string]Mem{
			"half": constant("logHalf", 0.5), "ln2": constant("logLn2", 0.693147180559945),
		}
		for i, c := range logCoefficients {
			logMem[fmt.Sprint(i)] = constant(fmt.Sprintf("log%d", i), c)
		}
		logMem["root"] = constant("logRoot", math.Float32frombits(0x3f3504f3)) // about sqrt(1/2)
	}
	pos, index := Load(Param("pos"), GP64()), Load(Param("index"), GP64())
	p, n := Load(Param("p"), GP64()), Load(Param("n"), GP64())
	self := make([]VecVirtual, dims)
	for c := range self {
		self[c] = YMM()
		broadcast(coordinates[c], self[c])
	}
	sum := zeros(1)[0]
	one := ones()
	neighborLoop(dims, pos, index, n, func(v []VecVirtual) {
		x := away(dims, self, v, one)
		// x = 2^e m with m from sqrt(1/2) to sqrt(2).
		e, t, y := YMM(), YMM(), YMM()
		VPSUBD(logMem["root"], x, e)
		VPSRAD(Imm(23), e, e)
		VPSLLD(Imm(23), e, t)
		VPSUBD(t, x, x)
		VCVTDQ2PS(e, e)
		VSUBPS(one, x, x)
		VMOVUPS(logMem["0"], y)
		for i := 1; i < len(logCoefficients); i++ {
			VMULPS(x, y, y)
			VADDPS(logMem[fmt.Sprint(i)], y, y)
		}
		VMULPS(x, x, t) // x²
		VMULPS(x, y, y)
		VMULPS(t, y, y) // x³ poly
		VMULPS(logMem["half"], t, t)
		VSUBPS(t, y, y)
		VADDPS(x, y, y)
		VMULPS(logMem["ln2"], e, e)
		VADDPS(e, y, y)
		VMULPS(Mem{Base: p}, y, y)
		VADDPS(y, sum, sum)
		ADDQ(Imm(32), p)
	})
	fold(sum)
	VZEROUPPER()
	Store(sum.AsX(), ReturnIndex(0))
	RET()
}

// logCoefficients are those of Cephes' logf.
var logCoefficients = []float32{
	7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1,
	-1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
}

// repelSetup loads the arguments of a repulsion kernel and makes i run from -n to 0.
func repelSetup(dims int) (out Register, points, list []Register, m, n Register) {
	name := fmt.Sprintf("repel%dAVX2", dims)
	signature := "func(out, px, py, x, y, m *float32, n int)"
	if dims == 3 {
		signature = "func(out, px, py, pz, x, y, z, m *float32, n int)"
	}
	TEXT(name, NOSPLIT, signature)
	Doc(name + fmt.Sprintf(" is repel%dGo for n bodies.", dims))
	out = Load(Param("out"), GP64())
	for c := range dims {
		points = append(points, Load(Param("p"+coordinates[c]), GP64()))
		list = append(list, Load(Param(coordinates[c]), GP64()))
	}
	m, n = Load(Param("m"), GP64()), Load(Param("n"), GP64())
	for _, r := range append(list, m) {
		LEAQ(at(r, n, 4), r)
	}
	NEGQ(n)
	return out, points, list, m, n
}

// repel sums over bodies for 32 points, 16 at a time.
func repel(dims int) {
	out, points, list, m, n := repelSetup(dims)
	half, i := GP64(), GP64()
	MOVQ(U32(2), half)
	var one Op = ones()
	if dims == 2 {
		one = loadOne()
	}
	Label("half")
	MOVQ(n, i)
	sum := zeros(2 * (dims + 1)) // by coordinate, then q; two vectors each
	Label("loop")
	TESTQ(i, i)
	JGE(LabelRef("done"))
	q := []VecVirtual{YMM(), YMM()}
	b, u := YMM(), YMM()
	// In the plane registers suffice to keep the ways to the body; in space they are
	// computed again for the forces.
	var way [2][2]VecVirtual
	for c := range dims {
		VBROADCASTSS(at(list[c], i, 4), b)
		for h := range 2 {
			d := u
			if dims == 2 {
				way[h][c] = YMM()
				d = way[h][c]
			}
			VSUBPS(Mem{Base: points[c], Disp: 32 * h}, b, d)
			if c == 0 {
				VMULPS(d, d, q[h])
				VADDPS(one, q[h], q[h])
			} else {
				VMULPS(d, d, u)
				VADDPS(u, q[h], q[h])
			}
		}
	}
	dividend := one
	if dims == 3 {
		VMOVUPS(one, u)
		dividend = u
	}
	for h := range q {
		VDIVPS(q[h], dividend, q[h])
	}
	VBROADCASTSS(at(m, i, 4), b)
	for h := range q {
		VMULPS(b, q[h], u)
		VADDPS(u, sum[2*dims+h], sum[2*dims+h])
		VMULPS(u, q[h], q[h])
	}
	for c := range dims {
		if dims == 3 {
			VBROADCASTSS(at(list[c], i, 4), b)
		}
		for h := range 2 {
			if dims == 2 {
				VMULPS(way[h][c], q[h], u)
			} else {
				VSUBPS(Mem{Base: points[c], Disp: 32 * h}, b, u)
				VMULPS(u, q[h], u)
			}
			VSUBPS(u, sum[2*c+h], sum[2*c+h])
		}
	}
	INCQ(i)
	JMP(LabelRef("loop"))
	Label("done")
	for c := range dims + 1 {
		row := c
		if c == dims {
			row = 3 // q comes after three coordinates
		}
		for h := range 2 {
			mem := Mem{Base: out, Disp: 128*row + 32*h}
			VADDPS(mem, sum[2*c+h], sum[2*c+h])
			VMOVUPS(sum[2*c+h], mem)
		}
	}
	ADDQ(Imm(64), out)
	for _, p := range points {
		ADDQ(Imm(64), p)
	}
	DECQ(half)
	JNZ(LabelRef("half"))
	VZEROUPPER()
	RET()
}

// spill lists one coordinate of leaves' points.
func spill() {
	TEXT("spillAVX2", NOSPLIT, "func(dst, points *float32, leaves *int32, counts *float32, n int)")
	Doc("spillAVX2 is spillGo for n leaves. It may write 7 values more than there are points.")
	dst, points := Load(Param("dst"), GP64()), Load(Param("points"), GP64())
	leaves, counts := Load(Param("leaves"), GP64()), Load(Param("counts"), GP64())
	n := Load(Param("n"), GP64())
	v := YMM()
	lo, count := GP64(), GP64()
	Label("loop")
	TESTQ(n, n)
	JLE(LabelRef("done"))
	MOVLQSX(Mem{Base: leaves}, lo)
	NOTQ(lo)
	LEAQ(at(points, lo, 4), lo)
	VCVTTSS2SIQ(Mem{Base: counts}, count)
	Label("more")
	VMOVUPS(Mem{Base: lo}, v)
	VMOVUPS(v, Mem{Base: dst})
	CMPQ(count, Imm(8))
	JLE(LabelRef("next"))
	ADDQ(Imm(32), lo)
	ADDQ(Imm(32), dst)
	SUBQ(Imm(8), count)
	JMP(LabelRef("more"))
	Label("next")
	LEAQ(at(dst, count, 4), dst)
	ADDQ(Imm(4), leaves)
	ADDQ(Imm(4), counts)
	DECQ(n)
	JMP(LabelRef("loop"))
	Label("done")
	VZEROUPPER()
	RET()
}
