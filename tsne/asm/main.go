// Command asm writes the assembly of package tsne, kernels_amd64.s and
// kernels_stub_amd64.go. From this folder:
//
//	go generate
//
// Every kernel does what its Go twin in tsne/kernels.go does, lane for lane and without
// fused operations, so that both give the same bits; only productFusedAVX2 fuses.
package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

//go:generate go run . -out ../kernels_amd64.s -stubs ../kernels_stub_amd64.go -pkg tsne

func main() {
	ConstraintExpr("amd64,!purego")
	squaredDistance()
	product("productAVX2", false)
	product("productFusedAVX2", true)
	pass()
	attract(2)
	attract(3)
	logSum(2)
	logSum(3)
	repel(2)
	repel(3)
	spill()
	advance()
	extent()
	walk()
	Generate()
}

// constant returns eight copies of a float32.
func constant(name string, v float32) Mem {
	m := GLOBL(name, RODATA|NOPTR)
	for i := range 8 {
		DATA(4*i, U32(math.Float32bits(v)))
	}
	return m
}

func at(base, index Register, scale uint8) Mem {
	return Mem{Base: base, Index: index, Scale: scale}
}

// fold adds the eight lanes of v as sum8 does and leaves the sum in the lowest.
func fold(v VecVirtual) {
	hi := XMM()
	VEXTRACTF128(U8(1), v, hi)
	VADDPS(hi, v.AsX(), v.AsX()) // a b c d
	VMOVHLPS(v.AsX(), v.AsX(), hi)
	VADDPS(hi, v.AsX(), v.AsX()) // a+c b+d
	VMOVSHDUP(v.AsX(), hi)
	VADDSS(hi, v.AsX(), v.AsX())
}

func zeros(count int) []VecVirtual {
	v := make([]VecVirtual, count)
	for i := range v {
		v[i] = YMM()
		VXORPS(v[i], v[i], v[i])
	}
	return v
}

func squaredDistance() {
	TEXT("squaredDistanceAVX2", NOSPLIT, "func(a, b *float32, n int) float32")
	Doc("squaredDistanceAVX2 is squaredDistanceGo.")
	a, b, n := Load(Param("a"), GP64()), Load(Param("b"), GP64()), Load(Param("n"), GP64())
	acc := zeros(4)
	t := YMM()
	step := func(i int) {
		VMOVUPS(Mem{Base: a, Disp: 32 * i}, t)
		VSUBPS(Mem{Base: b, Disp: 32 * i}, t, t)
		VMULPS(t, t, t)
		VADDPS(t, acc[i], acc[i])
	}
	Label("by32")
	CMPQ(n, Imm(32))
	JL(LabelRef("by8"))
	for i := range 4 {
		step(i)
	}
	ADDQ(Imm(128), a)
	ADDQ(Imm(128), b)
	SUBQ(Imm(32), n)
	JMP(LabelRef("by32"))
	Label("by8")
	CMPQ(n, Imm(8))
	JL(LabelRef("sum"))
	step(0)
	ADDQ(Imm(32), a)
	ADDQ(Imm(32), b)
	SUBQ(Imm(8), n)
	JMP(LabelRef("by8"))
	Label("sum")
	VADDPS(acc[1], acc[0], acc[0])
	VADDPS(acc[3], acc[2], acc[2])
	VADDPS(acc[2], acc[0], acc[0])
	fold(acc[0])
	s := acc[0].AsX()
	Label("by1")
	TESTQ(n, n)
	JLE(LabelRef("done"))
	VMOVSS(Mem{Base: a}, t.AsX())
	VSUBSS(Mem{Base: b}, t.AsX(), t.AsX())
	VMULSS(t.AsX(), t.AsX(), t.AsX())
	VADDSS(t.AsX(), s, s)
	ADDQ(Imm(4), a)
	ADDQ(Imm(4), b)
	DECQ(n)
	JMP(LabelRef("by1"))
	Label("done")
	VZEROUPPER()
	Store(s, ReturnIndex(0))
	RET()
}

// product multiplies 4 rows by 24 columns of packed panels.
func product(name string, fused bool) {
	TEXT(name, NOSPLIT, "func(c *float32, ldc int, a, b *float32, k int)")
	Doc(name + " is product4x24Go.")
	c, ldc := Load(Param("c"), GP64()), Load(Param("ldc"), GP64())
	a, b, k := Load(Param("a"), GP64()), Load(Param("b"), GP64()), Load(Param("k"), GP64())
	acc := zeros(12)
	var bv [3]VecVirtual
	u := YMM()
	var t VecVirtual
	if fused {
		for i := range bv {
			bv[i] = YMM()
		}
	} else {
		t = YMM()
	}
	step := func(disp int) {
		if fused {
			for i := range bv {
				VMOVUPS(Mem{Base: b, Disp: disp + 32*i}, bv[i])
			}
		}
		for r := range 4 {
			VBROADCASTSS(Mem{Base: a, Disp: disp + 4*r}, u)
			for i := range 3 {
				if fused {
					VFMADD231PS(bv[i], u, acc[3*r+i])
				} else {
					VMULPS(Mem{Base: b, Disp: disp + 32*i}, u, t)
					VADDPS(t, acc[3*r+i], acc[3*r+i])
				}
			}
		}
	}
	Label("by2")
	CMPQ(k, Imm(2))
	JL(LabelRef("by1"))
	step(0)
	step(96)
	ADDQ(Imm(192), a)
	ADDQ(Imm(192), b)
	SUBQ(Imm(2), k)
	JMP(LabelRef("by2"))
	Label("by1")
	TESTQ(k, k)
	JLE(LabelRef("done"))
	step(0)
	Label("done")
	SHLQ(Imm(2), ldc)
	for r := range 4 {
		for i := range 3 {
			VMOVUPS(acc[3*r+i], Mem{Base: c, Disp: 32 * i})
		}
		if r < 3 {
			ADDQ(ldc, c)
		}
	}
	VZEROUPPER()
	RET()
}

func pass() {
	TEXT("passAVX2", NOSPLIT, "func(mask *byte, products, half, bound *float32, n int, h, t float32)")
	Doc("passAVX2 is passGo for n columns, a multiple of 8.")
	mask := Load(Param("mask"), GP64())
	g, half, bound := Load(Param("products"), GP64()), Load(Param("half"), GP64()), Load(Param("bound"), GP64())
	n := Load(Param("n"), GP64())
	h, t, v, w, zero := YMM(), YMM(), YMM(), YMM(), YMM()
	broadcast("h", h)
	broadcast("t", t)
	VXORPS(zero, zero, zero)
	m := GP32()
	Label("loop")
	CMPQ(n, Imm(8))
	JL(LabelRef("done"))
	VMOVUPS(Mem{Base: g}, v)
	VSUBPS(Mem{Base: half}, v, v)
	VSUBPS(h, v, v)
	VMAXPS(Mem{Base: bound}, t, w)
	VSUBPS(w, zero, w)
	VCMPPS(Imm(13), w, v, v) // v >= -max(bound, t)
	VMOVMSKPS(v, m)
	MOVB(m.As8(), Mem{Base: mask})
	INCQ(mask)
	ADDQ(Imm(32), g)
	ADDQ(Imm(32), half)
	ADDQ(Imm(32), bound)
	SUBQ(Imm(8), n)
	JMP(LabelRef("loop"))
	Label("done")
	VZEROUPPER()
	RET()
}

func broadcast(param string, v VecVirtual) {
	addr, err := Param(param).Resolve()
	if err != nil {
		panic(err)
	}
	VBROADCASTSS(addr.Addr, v)
}

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

var onesMem *Mem

// loadOne returns a register of ones.
func loadOne() VecVirtual {
	v := YMM()
	VMOVUPS(ones(), v)
	return v
}

func ones() Mem {
	if onesMem == nil {
		m := constant("one", 1)
		onesMem = &m
	}
	return *onesMem
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
		for name, v := range map[string]uint32{"mantissa": 0x007fffff, "third": 0x3f3504f3, "bias": 0x3f800000} {
			m := GLOBL("logBits"+name, RODATA|NOPTR)
			for i := range 8 {
				DATA(4*i, U32(v))
			}
			logMem[name] = m
		}
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
		VPSUBD(logMem["third"], x, e)
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

// advance is one step of gradient descent for eight values at a time.
func advance() {
	TEXT("advanceAVX2", NOSPLIT, "func(pos, speed, gains, attraction, repulsion *float32, n int, s *float32)")
	Doc("advanceAVX2 is advanceGo for n values, a multiple of 8.")
	pos, speed, gains := Load(Param("pos"), GP64()), Load(Param("speed"), GP64()), Load(Param("gains"), GP64())
	attraction, repulsion := Load(Param("attraction"), GP64()), Load(Param("repulsion"), GP64())
	n, s := Load(Param("n"), GP64()), Load(Param("s"), GP64())
	pull, push, momentum, rate := YMM(), YMM(), YMM(), YMM()
	for i, v := range []VecVirtual{pull, push, momentum, rate} {
		VBROADCASTSS(Mem{Base: s, Disp: 4 * i}, v)
	}
	up, down, least := constant("gainUp", 0.2), constant("gainDown", 0.8), constant("gainLeast", 0.01)
	zero := zeros(1)[0]
	Label("loop")
	CMPQ(n, Imm(8))
	JL(LabelRef("done"))
	g, t, v, gain := YMM(), YMM(), YMM(), YMM()
	VMULPS(Mem{Base: attraction}, pull, g)
	VMULPS(Mem{Base: repulsion}, push, t)
	VSUBPS(t, g, g)
	VMOVUPS(Mem{Base: speed}, v)
	VMOVUPS(Mem{Base: gains}, gain)
	against := YMM()
	VMULPS(g, v, against)
	VCMPPS(Imm(1), zero, against, against) // speed g < 0
	VADDPS(up, gain, t)
	VMULPS(down, gain, gain)
	VMAXPS(least, gain, gain)
	VBLENDVPS(against, t, gain, gain)
	VMOVUPS(gain, Mem{Base: gains})
	VMULPS(gain, g, g)
	VMOVUPS(g, Mem{Base: attraction})
	VMULPS(momentum, v, v)
	VMULPS(rate, g, g)
	VSUBPS(g, v, v)
	VMOVUPS(v, Mem{Base: speed})
	VADDPS(Mem{Base: pos}, v, v)
	VMOVUPS(v, Mem{Base: pos})
	for _, r := range []Register{pos, speed, gains, attraction, repulsion} {
		ADDQ(Imm(32), r)
	}
	SUBQ(Imm(8), n)
	JMP(LabelRef("loop"))
	Label("done")
	VZEROUPPER()
	RET()
}

// extent finds the least and the largest value of each lane.
func extent() {
	TEXT("extentAVX2", NOSPLIT, "func(least, most *float32, v *float32, n int)")
	Doc("extentAVX2 is extentGo for n values, a multiple of 8.")
	least, most := Load(Param("least"), GP64()), Load(Param("most"), GP64())
	v, n := Load(Param("v"), GP64()), Load(Param("n"), GP64())
	lo, hi, x := YMM(), YMM(), YMM()
	VMOVUPS(Mem{Base: least}, lo)
	VMOVUPS(Mem{Base: most}, hi)
	Label("loop")
	CMPQ(n, Imm(8))
	JL(LabelRef("done"))
	VMOVUPS(Mem{Base: v}, x)
	VMINPS(x, lo, lo)
	VMAXPS(x, hi, hi)
	ADDQ(Imm(32), v)
	SUBQ(Imm(8), n)
	JMP(LabelRef("loop"))
	Label("done")
	VMOVUPS(lo, Mem{Base: least})
	VMOVUPS(hi, Mem{Base: most})
	VZEROUPPER()
	RET()
}
