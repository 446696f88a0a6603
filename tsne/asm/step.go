package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// advance is one step of gradient descent for eight values at a time.
func advance() {
	TEXT("advanceAVX2", NOSPLIT,
		"func(pos, speed, gains, attraction, repulsion *float32, n int, s *float32)")
	Doc("advanceAVX2 is advanceGo for n values, a multiple of 8.")
	pos, speed, gains := Load(Param("pos"), GP64()), Load(Param("speed"), GP64()),
		Load(Param("gains"), GP64())
	attraction, repulsion := Load(Param("attraction"), GP64()), Load(Param("repulsion"), GP64())
	n, s := Load(Param("n"), GP64()), Load(Param("s"), GP64())
	pull, push, momentum, rate := YMM(), YMM(), YMM(), YMM()
	for i, v := range []VecVirtual{pull, push, momentum, rate} {
		VBROADCASTSS(Mem{Base: s, Disp: 4 * i}, v)
	}
	up, down, least := constant("gainUp", 0.2), constant("gainDown", 0.8),
		constant("gainLeast", 0.01)
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
