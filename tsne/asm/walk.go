package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// Offsets in a cells block of four.
const (
	offX     = 0
	offY     = 16
	offM     = 48
	offWidth = 64
	offNext  = 80
	blockLen = 96
)

// walk is tree.walkGo in the plane. Four cells are tested at once; those that pass, those to open
// and the leaves are packed to the left by a table of shuffles and stored whole, so that nothing
// but the ends of the loops branches.
func walk() {
	TEXT("walk2AVX2", NOSPLIT,
		"func(blocks, box *float32, theta2 float32, x, y, m *float32, queue, leaves *int32, "+
			"counts *float32) (bodies, leafCount int)")
	Doc("walk2AVX2 lists the cells that are summed as one in x, y and m, and the leaves to list "+
		"point",
		"by point in leaves (first point, inverted) and counts. All five need room for four "+
			"more entries",
		"than there can be.")
	blocks := Load(Param("blocks"), GP64())
	b := Load(Param("box"), GP64())
	cx, cy, hx, hy, theta := XMM(), XMM(), XMM(), XMM(), XMM()
	VBROADCASTSS(Mem{Base: b, Disp: 0}, cx)
	VBROADCASTSS(Mem{Base: b, Disp: 4}, cy)
	VBROADCASTSS(Mem{Base: b, Disp: 12}, hx)
	VBROADCASTSS(Mem{Base: b, Disp: 16}, hy)
	broadcast("theta2", theta)
	lx, ly, lm := Load(Param("x"), GP64()), Load(Param("y"), GP64()), Load(Param("m"), GP64())
	queue := Load(Param("queue"), GP64())
	leaves, counts := Load(Param("leaves"), GP64()), Load(Param("counts"), GP64())

	shuffles := GLOBL("leftPack", RODATA|NOPTR)
	for mask := range 16 {
		at := 0
		for lane := range 4 {
			if mask>>lane&1 == 1 {
				for byt := range 4 {
					DATA(16*mask+4*at+byt, U8(4*lane+byt))
				}
				at++
			}
		}
		for ; at < 4; at++ {
			for byt := range 4 {
				DATA(16*mask+4*at+byt, U8(0x80))
			}
		}
	}
	table, head, tail := GP64(), GP64(), GP64()
	bodies, leafCount := GP64(), GP64()
	LEAQ(shuffles, table)
	XORQ(head, head)
	MOVQ(U32(1), tail)
	MOVL(U32(0), Mem{Base: queue})
	XORQ(bodies, bodies)
	XORQ(leafCount, leafCount)
	sign, zero := XMM(), XMM()
	VPCMPEQD(sign, sign, sign)
	VPSRLD(Imm(1), sign, sign) // all but the sign
	VXORPS(zero, zero, zero)

	Label("loop")
	CMPQ(head, tail)
	JGE(LabelRef("done"))
	ptr := GP64()
	MOVLQSX(at(queue, head, 4), ptr)
	INCQ(head)
	LEAQ(at(ptr, ptr, 2), ptr)
	SHLQ(Imm(5), ptr) // 96 bytes a block
	ADDQ(blocks, ptr)

	x, y, m, next := XMM(), XMM(), XMM(), XMM()
	VMOVUPS(Mem{Base: ptr, Disp: offX}, x)
	VMOVUPS(Mem{Base: ptr, Disp: offY}, y)
	VMOVUPS(Mem{Base: ptr, Disp: offM}, m)
	VMOVUPS(Mem{Base: ptr, Disp: offNext}, next)
	dx, dy := XMM(), XMM()
	VSUBPS(cx, x, dx)
	VANDPS(sign, dx, dx)
	VSUBPS(hx, dx, dx)
	VMAXPS(zero, dx, dx)
	VMULPS(dx, dx, dx)
	VSUBPS(cy, y, dy)
	VANDPS(sign, dy, dy)
	VSUBPS(hy, dy, dy)
	VMAXPS(zero, dy, dy)
	VMULPS(dy, dy, dy)
	VADDPS(dy, dx, dx)
	VMULPS(theta, dx, dx)
	accept := XMM()
	VCMPPS(Imm(14), Mem{Base: ptr, Disp: offWidth}, dx, accept) // theta² d² > width²
	pick, count := GP64(), GP64()
	shuffle := XMM()
	packed := XMM()

	// Accepted cells.
	VMOVMSKPS(accept, pick.As32())
	POPCNTL(pick.As32(), count.As32())
	SHLQ(Imm(4), pick)
	VMOVDQU(at(table, pick, 1), shuffle)
	VPSHUFB(shuffle, x, packed)
	VMOVUPS(packed, at(lx, bodies, 4))
	VPSHUFB(shuffle, y, packed)
	VMOVUPS(packed, at(ly, bodies, 4))
	VPSHUFB(shuffle, m, packed)
	VMOVUPS(packed, at(lm, bodies, 4))
	ADDQ(count, bodies)

	// Cells to open: neither accepted nor leaves, and there at all (next > 0).
	open := XMM()
	VPCMPGTD(zero, next, open)
	VANDNPS(open, accept, open)
	VMOVMSKPS(open, pick.As32())
	POPCNTL(pick.As32(), count.As32())
	SHLQ(Imm(4), pick)
	VPSHUFB(at(table, pick, 1), next, packed)
	VMOVUPS(packed, at(queue, tail, 4))
	ADDQ(count, tail)

	// Leaves (next < 0) that were not accepted.
	VANDNPS(next, accept, open)
	VMOVMSKPS(open, pick.As32())
	POPCNTL(pick.As32(), count.As32())
	SHLQ(Imm(4), pick)
	VMOVDQU(at(table, pick, 1), shuffle)
	VPSHUFB(shuffle, next, packed)
	VMOVUPS(packed, at(leaves, leafCount, 4))
	VPSHUFB(shuffle, m, packed)
	VMOVUPS(packed, at(counts, leafCount, 4))
	ADDQ(count, leafCount)
	JMP(LabelRef("loop"))

	Label("done")
	Store(bodies, ReturnIndex(0))
	Store(leafCount, ReturnIndex(1))
	RET()
}
