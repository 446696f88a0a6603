// Command asm writes the assembly of package tsne, kernels_amd64.s and
// kernels_stub_amd64.go. From this folder:
//
//	go generate
//
// Every kernel does what its Go twin in tsne/kernels.go does, lane for lane and without
// fused operations, so that both give the same bits; only productFusedAVX2 fuses.
//
// There is no AVX-512: repulsion with its registers gave the same bits 1.08 times as fast on Zen
// 4, whose division and multiplication do no more lanes a cycle for being wider.
package main

import (
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
	exps()
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

func broadcast(param string, v VecVirtual) {
	addr, err := Param(param).Resolve()
	if err != nil {
		panic(err)
	}
	VBROADCASTSS(addr.Addr, v)
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
