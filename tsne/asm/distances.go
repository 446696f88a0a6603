package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

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
	TEXT("passAVX2", NOSPLIT,
		"func(mask *byte, products, half, bound *float32, n int, h, t float32)")
	Doc("passAVX2 is passGo for n columns, a multiple of 8.")
	mask := Load(Param("mask"), GP64())
	g, half, bound := Load(Param("products"), GP64()), Load(Param("half"), GP64()),
		Load(Param("bound"), GP64())
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
