package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// doubles returns four copies of a float64.
func doubles(name string, v float64) Mem {
	m := GLOBL(name, RODATA|NOPTR)
	for i := range 4 {
		DATA(8*i, U64(math.Float64bits(v)))
	}
	return m
}

// exps is exp of four values at a time, operation for operation, fused ones included.
func exps() {
	TEXT("expsAVX2", NOSPLIT, "func(v *float64, n int) (done int)")
	Doc("expsAVX2 is exps for n values, a multiple of 4, up to the first four of which one is not",
		"from -708 to 709.")
	v, n := Load(Param("v"), GP64()), Load(Param("n"), GP64())
	done := GP64()
	XORQ(done, done)
	least, most := doubles("expLeast", -708), doubles("expMost", 709)
	log2e := doubles("log2e", math.Log2E)
	high := doubles("log2High", 0.69314718055966295651160180568695068359375)
	low := doubles("log2Low", 0.28235290563031577122588448175013436025525412068e-12)
	sixteenth, one, two := doubles("sixteenth", 0.0625), doubles("oneDouble", 1),
		doubles("twoDoubles", 2)
	series := []Mem{
		doubles("exp8", 2.4801587301587301587e-5), doubles("exp7", 1.9841269841269841270e-4),
		doubles("exp6", 1.3888888888888888889e-3), doubles("exp5", 8.3333333333333333333e-3),
		doubles("exp4", 4.1666666666666666667e-2), doubles("exp3", 1.6666666666666666667e-1),
		doubles("exp2", 0.5), one,
	}
	bias := GLOBL("expBias", RODATA|NOPTR)
	for i := range 4 {
		DATA(8*i, U64(1023))
	}
	Label("loop")
	CMPQ(done, n)
	JGE(LabelRef("end"))
	x, k, y, p, t := YMM(), YMM(), YMM(), YMM(), YMM()
	VMOVUPD(at(v, done, 8), x)
	VCMPPD(Imm(13), least, x, t) // x >= least
	VCMPPD(Imm(2), most, x, p)   // x <= most
	VANDPD(p, t, t)
	mask := GP32()
	VMOVMSKPD(t, mask)
	CMPL(mask, Imm(15))
	JNE(LabelRef("end"))
	VMULPD(log2e, x, k)
	VROUNDPD(Imm(8), k, k) // to even
	VMOVAPD(x, y)
	VFNMADD231PD(high, k, y)
	VFNMADD231PD(low, k, y)
	VMULPD(sixteenth, y, y)
	VMOVUPD(series[0], p)
	for _, c := range series[1:] {
		VFMADD213PD(c, y, p)
	}
	VMULPD(p, y, y)
	for range 3 {
		VADDPD(two, y, t)
		VMULPD(t, y, y)
	}
	VADDPD(two, y, t)
	VFMADD213PD(one, t, y)
	whole := XMM()
	VCVTPD2DQY(k, whole)
	VPMOVSXDQ(whole, k)
	VPADDQ(bias, k, k)
	VPSLLQ(Imm(52), k, k)
	VMULPD(k, y, y)
	VMOVUPD(y, at(v, done, 8))
	ADDQ(Imm(4), done)
	JMP(LabelRef("loop"))
	Label("end")
	VZEROUPPER()
	Store(done, ReturnIndex(0))
	RET()
}
