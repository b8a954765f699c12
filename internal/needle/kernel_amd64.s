//go:build !purego

#include "go_asm.h"
#include "textflag.h"

// One pass over a block in steps of 64 bytes. A step in which nothing stands costs 18 instructions on vectors and one branch;
// newlines and keys are looked at one by one, in their order, for most steps have none.

// The bytes that are compared, and the first six of ype":"txt" and ype": "txt", two bytes up in their words.
DATA bytes<>+0(SB)/8, $"\nyp\\0\x00\x00\x00"
GLOBL bytes<>(SB), RODATA|NOPTR, $8
#define QUOTED $0x223a226570790000
#define SPACED $0x203a226570790000

// MARK sets marks to the newlines and the y of each yp in the 32 bytes at off of the step, and slashes to the backslashes.
#define MARK(off, text, marks, slashes) \
	VMOVDQU  off(SI)(R8*1), text;           \
	VPCMPEQB text, Y12, marks;              \
	VPCMPEQB off+1(SI)(R8*1), Y13, slashes; \
	VPAND    marks, slashes, marks;         \
	VPCMPEQB text, Y11, slashes;            \
	VPOR     marks, slashes, marks;         \
	VPCMPEQB text, Y14, slashes

// ESCAPE adds to marks the backslashes that have a 0 two bytes behind them. \u0079 and \u0070 have, the escape of a Chinese
// character has not.
#define ESCAPE(off, marks, slashes, t) \
	VPCMPEQB off+2(SI)(R8*1), Y15, t; \
	VPAND    slashes, t, t;           \
	VPOR     marks, t, marks

// func kernel(block *byte, at, end, line, long int, edges *Edges) (stop, start, passed int, why reason)
//
// SI block, R8 where the step begins, R9 the last place where one can, R10 where the line begins, R11 lines passed,
// R12 edges, R13 long, AX the marks of the step that are still to be looked at, CX the position of one.
TEXT ·kernel(SB), NOSPLIT, $0-80
	MOVQ block+0(FP), SI
	MOVQ at+8(FP), R8
	MOVQ end+16(FP), R9
	MOVQ line+24(FP), R10
	MOVQ long+32(FP), R13
	MOVQ edges+40(FP), R12
	XORL R11, R11
	SUBQ $const_kernelReach, R9
	MOVQ QUOTED, DI
	MOVQ SPACED, R14

	VPBROADCASTB bytes<>+0(SB), Y11
	VPBROADCASTB bytes<>+1(SB), Y12
	VPBROADCASTB bytes<>+2(SB), Y13
	VPBROADCASTB bytes<>+3(SB), Y14
	VPBROADCASTB bytes<>+4(SB), Y15
	JMP          enter

next:
	ADDQ $64, R8

enter:
	CMPQ R8, R9
	JGT  out
	MARK(0, Y0, Y2, Y3)
	MARK(32, Y1, Y5, Y6)
	VPOR   Y2, Y3, Y8
	VPOR   Y5, Y6, Y9
	VPOR   Y8, Y9, Y8
	VPTEST Y8, Y8
	JZ     next
	ESCAPE(0, Y2, Y3, Y4)
	ESCAPE(32, Y5, Y6, Y7)

	VPMOVMSKB Y2, AX
	VPMOVMSKB Y5, BX
	SHLQ      $32, BX
	ORQ       BX, AX
	JZ        next

mark:
	TZCNTQ AX, CX
	BLSRQ  AX, AX
	ADDQ   R8, CX
	CMPB   (SI)(CX*1), $'\n'
	JNE    key

	// A line ends at CX. Is it short, and are its first and last byte ordinary? Those of an empty one are its newline.
	MOVQ    CX, DX
	SUBQ    R10, DX
	CMPQ    DX, R13
	JGE     line
	LEAQ    -1(CX), BX
	CMPQ    BX, R10
	CMOVQLT R10, BX
	MOVBLZX (SI)(R10*1), DX
	MOVBLZX (SI)(BX*1), BX
	MOVBLZX (R12)(DX*1), DX
	ORB     256(R12)(BX*1), DX
	JNZ     edge

pass:
	LEAQ 1(CX), R10
	INCQ R11

more:
	TESTQ AX, AX
	JNZ   mark
	JMP   next

edge:
	CMPB DX, $const_Dated
	JNE  line
	LEAQ 10(R10), BX
	CMPQ BX, CX
	JGE  pass
	CMPB (SI)(BX*1), $'T'
	JNE  pass
	JMP  line

	// A key, perhaps. Most are ype":"txt" or ype": "txt", with a lower-case letter as the first or second one of the value:
	// those are passed. DX is where the value begins, behind its quote.
key:
	MOVQ (SI)(CX*1), BX
	SHLQ $16, BX
	LEAQ 6(CX), DX
	CMPQ BX, DI
	JEQ  value
	CMPQ BX, R14
	JNE  other
	CMPB (SI)(DX*1), $'"'
	JNE  hit
	INCQ DX

value:
	MOVBLZX (SI)(DX*1), BX
	CMPB    BX, $'\\'
	JEQ     hit
	CMPB    BX, $'"'
	JEQ     hit
	CMPB    BX, $'\''
	JEQ     hit
	CMPB    BX, $'\n'
	JEQ     hit
	SUBL    $'a', BX
	CMPL    BX, $26
	JCS     more
	MOVBLZX 1(SI)(DX*1), BX
	SUBL    $'a', BX
	CMPL    BX, $26
	JCS     more

other:
	CMPB (SI)(CX*1), $'y'
	JEQ  hit
	CMPB 4(SI)(CX*1), $'7'
	JNE  more

hit:
	MOVQ $const_candidate, AX
	JMP  done

line:
	MOVQ $const_ended, AX
	JMP  done

out:
	MOVQ $const_ranOut, AX
	MOVQ R8, CX

done:
	VZEROUPPER
	MOVQ CX, stop+48(FP)
	MOVQ R10, start+56(FP)
	MOVQ R11, passed+64(FP)
	MOVQ AX, why+72(FP)
	RET
