package main

import "fmt"

// Offsets in a cells block of four.
const (
	offX     = 0
	offY     = 16
	offM     = 48
	offWidth = 64
	offNext  = 80
)

// walk is walk2Go. Four cells are tested at once; those that pass, those to open and the leaves
// are packed to the left by a table of shuffles and stored whole, so that nothing but the ends
// of the loop branches. A lane's three bits are gathered in one register.
func walk() {
	fmt.Fprintln(&out)
	for mask := range 16 {
		shuffle, at := [16]byte{}, 0
		for i := range shuffle {
			shuffle[i] = 0xff // zero
		}
		for lane := range 4 {
			if mask>>lane&1 == 1 {
				for i := range 4 {
					shuffle[4*at+i] = byte(4*lane + i)
				}
				at++
			}
		}
		for i := 0; i < 16; i += 8 {
			var v uint64
			for j := range 8 {
				v |= uint64(shuffle[i+j]) << (8 * j)
			}
			fmt.Fprintf(&out, "DATA leftPack<>+%d(SB)/8, $0x%016x\n", 16*mask+i, v)
		}
		fmt.Fprintf(&out, "DATA leftPackCount<>+%d(SB)/1, $%d\n", mask, at)
	}
	fmt.Fprintln(&out, "GLOBL leftPack<>(SB), RODATA|NOPTR, $256")
	fmt.Fprintln(&out, "GLOBL leftPackCount<>(SB), RODATA|NOPTR, $16")
	for i := range 12 { // of lane i%4: 1<<i
		fmt.Fprintf(&out, "DATA laneBits<>+%d(SB)/4, $%d\n", 4*i, 1<<i)
	}
	fmt.Fprintln(&out, "GLOBL laneBits<>(SB), RODATA|NOPTR, $48")

	text("walk2NEON", "is walk2Go. All lists need room for four more entries than there can be.",
		88)
	load("blocks", 0, 0)
	load("box", 8, 1)
	for i, offset := range []int{0, 4, 12, 16} { // centre and half width
		line("FMOVS %d(R1), F%d", offset, i)
		dup(i)
	}
	broadcastArg("theta2", 16, 4)
	for i, arg := range []string{"x", "y", "m", "queue", "leaves", "counts"} {
		load(arg, 24+8*i, 1+i)
	}
	zero(5)
	line("MOVD $laneBits<>(SB), R10")
	for i := range 3 {
		loadQ(16*i, 10, 6+i)
	}
	line("MOVD $leftPack<>(SB), R10")
	line("MOVD $leftPackCount<>(SB), R11")
	line("MOVW ZR, (R4)")
	line("MOVD R4, R8")    // head
	line("ADD $4, R4, R9") // tail
	line("MOVD ZR, R12")   // bodies
	line("MOVD ZR, R13")   // leaves
	line("MOVD $96, R14")  // bytes a block
	label("loop")
	line("CMP R9, R8")
	line("BHS done")
	line("MOVW.P 4(R8), R15")
	line("MADD R14, R0, R15, R15")
	for i, offset := range []int{offX, offY, offM, offWidth, offNext} {
		loadQ(offset, 15, 16+i)
	}
	for c := range 2 {
		fsub(22+c, 16+c, c)
		fabs(22+c, 22+c)
		fsub(22+c, 22+c, 2+c)
		fmax(22+c, 22+c, 5)
		fmul(22+c, 22+c, 22+c)
	}
	fadd(21, 22, 23)
	fmul(21, 4, 21)
	fcmgt(24, 21, 19) // summed as one
	cmgt0(25, 20)     // inner
	cmlt0(26, 20)     // leaf
	line("VAND V6.B16, V24.B16, V27.B16")
	for i := range 2 {
		word(0x4e601c00|uint32(24<<16|(25+i)<<5|(25+i)), "BIC V%d.16B, V%d.16B, V24.16B", 25+i,
			25+i)
		line("VAND V%d.B16, V%d.B16, V%d.B16", 7+i, 25+i, 25+i)
		line("VORR V%d.B16, V27.B16, V27.B16", 25+i)
	}
	line("VADDV V27.S4, V27")
	line("FMOVS F27, R15")
	pack := func(shift int, count int, lists ...[2]int) {
		line("UBFX $%d, R15, $4, R16", shift)
		line("ADD R16<<4, R10, R17")
		line("FMOVQ (R17), F28")
		line("MOVBU (R11)(R16), R16")
		for _, l := range lists { // register with values, with the list's address
			line("VTBL V28.B16, [V%d.B16], V29.B16", l[0])
			line("ADD R%d<<2, R%d, R17", count, l[1])
			line("FMOVQ F29, (R17)")
		}
		line("ADD R16, R%d", count)
	}
	pack(0, 12, [2]int{16, 1}, [2]int{17, 2}, [2]int{18, 3})
	pack(8, 13, [2]int{20, 5}, [2]int{18, 6})
	line("UBFX $4, R15, $4, R16")
	line("ADD R16<<4, R10, R17")
	line("FMOVQ (R17), F28")
	line("MOVBU (R11)(R16), R16")
	line("VTBL V28.B16, [V20.B16], V29.B16")
	line("FMOVQ F29, (R9)")
	line("ADD R16<<2, R9")
	line("B loop")
	label("done")
	line("MOVD R12, bodies+72(FP)")
	line("MOVD R13, leafCount+80(FP)")
	line("RET")
}
