package main

import "fmt"

// attract sums over neighbours, eight at a time. The point is in V0 and up, ones in V3; the
// sums by coordinate are V4, V6 and V8 with their upper halves beside them.
func attract(dims int) {
	name := fmt.Sprintf("attract%dNEON", dims)
	results := (32 + 4*dims + 7) / 8 * 8
	text(name, fmt.Sprintf("is attract%dGo for n neighbours.", dims), results+4*dims)
	load("pos", 0, 0)
	load("index", 8, 1)
	load("p", 16, 2)
	load("n", 24, 3)
	for c := range dims {
		broadcastArg("xyz"[c:c+1], 32+4*c, c)
		zero(4 + 2*c)
		zero(5 + 2*c)
	}
	ones(3)
	label("loop")
	line("CBZ R3, done")
	for half := range 2 {
		line("LDPW %d(R1), (R4, R5)", 16*half)
		line("LDPW %d(R1), (R6, R7)", 16*half+8)
		for i := range 4 {
			line("ADD R%d<<%d, R0, R%d", 4+i, dims+1, 4+i)
			if dims == 2 {
				line("FMOVD (R%d), F%d", 4+i, 16+i)
			} else {
				line("FMOVQ (R%d), F%d", 4+i, 16+i)
			}
		}
		if dims == 2 {
			line("VZIP1 V17.D2, V16.D2, V20.D2") // x0 y0 x1 y1
			line("VZIP1 V19.D2, V18.D2, V21.D2")
			line("VUZP1 V21.S4, V20.S4, V24.S4") // x
			line("VUZP2 V21.S4, V20.S4, V25.S4") // y
		} else {
			line("VTRN1 V17.S4, V16.S4, V20.S4") // x0 x1 z0 z1
			line("VTRN2 V17.S4, V16.S4, V21.S4") // y0 y1
			line("VTRN1 V19.S4, V18.S4, V22.S4")
			line("VTRN2 V19.S4, V18.S4, V23.S4")
			line("VZIP1 V22.D2, V20.D2, V24.D2")
			line("VZIP1 V23.D2, V21.D2, V25.D2")
			line("VZIP2 V22.D2, V20.D2, V26.D2")
		}
		for c := range dims {
			fsub(24+c, c, 24+c)
			fmul(28, 24+c, 24+c)
			if c == 0 {
				fadd(27, 3, 28)
			} else {
				fadd(27, 27, 28)
			}
		}
		loadQ(16*half, 2, 29)
		fdiv(27, 29, 27)
		for c := range dims {
			fmul(28, 27, 24+c)
			fadd(4+2*c+half, 4+2*c+half, 28)
		}
	}
	line("ADD $32, R1")
	line("ADD $32, R2")
	line("SUB $8, R3")
	line("B loop")
	label("done")
	for c := range dims {
		fold(4+2*c, 5+2*c)
		line("FMOVS F%d, f%s+%d(FP)", 4+2*c, "xyz"[c:c+1], results+4*c)
	}
	line("RET")
}

// repel sums over bodies for 32 points: 16 at a time in the plane, 8 in space, where there
// are no registers for more. points and sums name the registers of a coordinate's vectors.
func repel(dims int) {
	vectors := map[int]int{2: 4, 3: 2}[dims]
	points := func(c, v int) int { return c*vectors + v }
	sums := func(c, v int) int { return (dims+c)*vectors + v } // c of dims is q
	free := (2*dims + 1) * vectors
	one, body, m := free, free+1, free+1+dims
	way, q, w := m+1, m+1+dims, m+2+dims

	name := fmt.Sprintf("repel%dNEON", dims)
	text(name, fmt.Sprintf("is repel%dGo for n bodies.", dims), 8*(2*dims+3))
	load("out", 0, 0)
	for c := range dims {
		load("p"+"xyz"[c:c+1], 8+8*c, 1+c)
		load("xyz"[c:c+1], 8+8*dims+8*c, 4+c)
	}
	load("m", 8+16*dims, 7)
	load("n", 16+16*dims, 8)
	ones(one)
	line("MOVD $%d, R9", 8/vectors)
	label("part")
	for v := range vectors {
		for c := range dims {
			loadQ(16*v, 1+c, points(c, v))
			zero(sums(c, v))
		}
		zero(sums(dims, v))
	}
	for c := range dims {
		line("MOVD R%d, R%d", 4+c, 10+c)
	}
	line("MOVD R7, R13")
	line("MOVD R8, R14")
	label("loop")
	line("CBZ R14, done")
	for c := range dims {
		line("VLD1R.P 4(R%d), [V%d.S4]", 10+c, body+c)
	}
	line("VLD1R.P 4(R13), [V%d.S4]", m)
	for v := range vectors {
		for c := range dims {
			fsub(way+c, body+c, points(c, v))
			fmul(w, way+c, way+c)
			if c == 0 {
				fadd(q, w, one)
			} else {
				fadd(q, q, w)
			}
		}
		fdiv(q, one, q)
		fmul(w, q, m)
		fadd(sums(dims, v), sums(dims, v), w)
		fmul(q, w, q)
		for c := range dims {
			fmul(w, q, way+c)
			fsub(sums(c, v), sums(c, v), w)
		}
	}
	line("SUB $1, R14")
	line("B loop")
	label("done")
	for c := range dims + 1 {
		at := c // of out: f by coordinate, of which there are three, then q
		if c == dims {
			at = 3
		}
		for v := range vectors {
			loadQ(128*at+16*v, 0, w)
			fadd(w, w, sums(c, v))
			line("FMOVQ F%d, %d(R0)", w, 128*at+16*v)
		}
	}
	line("ADD $%d, R0", 16*vectors)
	for c := range dims {
		line("ADD $%d, R%d", 16*vectors, 1+c)
	}
	line("SUB $1, R9")
	line("CBNZ R9, part")
	line("RET")
}
