package sandbox

// immediate says what follows an opcode. The zero immediate is: not allowed.
// So SIMD, threads, tail calls, exceptions, references, everything that changes
// a table and every opcode of the future are refused. So is the select that
// states its type, which only references need: the engine does not compare the
// type with the operands'.
type immediate uint8

const (
	refused immediate = iota
	plain             // nothing
	blockType
	label
	branchTable
	callee
	calleeIndirect
	local
	globalGet
	globalSet
	load // memory access: alignment and offset
	memoryIndex
	constI32
	constI64
	constF32
	constF64
	misc // a second opcode
)

// Opcodes that the walk treats by name.
const (
	opUnreachable = 0x00
	opNop         = 0x01
	opBlock       = 0x02
	opLoop        = 0x03
	opIf          = 0x04
	opElse        = 0x05
	opEnd         = 0x0b
	opBr          = 0x0c
	opBrIf        = 0x0d
	opBrTable     = 0x0e
	opReturn      = 0x0f
	opCall        = 0x10
	opGrow        = 0x40
	lastLoad      = 0x35

	miscInit = 8
	miscCopy = 10
	miscFill = 11
)

// op describes one opcode.
type op struct {
	imm   immediate
	cost  int
	align uint32 // the largest alignment of a memory access, as a power of two
}

var opcodes = buildOpcodes()

func buildOpcodes() (t [256]op) {
	set := func(imm immediate, cost int, codes ...byte) {
		for _, c := range codes {
			t[c] = op{imm: imm, cost: cost}
		}
	}
	set(plain, 1, opUnreachable, opReturn, 0x1a, 0x1b) // drop, select
	set(plain, 0, opNop, opElse, opEnd)
	set(blockType, 0, opBlock, opLoop)
	set(blockType, 1, opIf)
	set(label, 1, opBr, opBrIf)
	set(branchTable, costBranchTab, opBrTable)
	set(callee, costCall, opCall)
	set(calleeIndirect, costCall, 0x11)
	set(local, 1, 0x20, 0x21, 0x22)
	set(globalGet, 1, 0x23)
	set(globalSet, 1, 0x24)
	for i, align := range []uint32{2, 3, 2, 3, 0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 2, 3, 2, 3, 0, 1, 0, 1, 2} {
		t[0x28+i] = op{load, 1, align}
		if 0x28+i <= lastLoad {
			t[0x28+i].cost = costLoad
		}
	}
	set(memoryIndex, 1, 0x3f)
	set(memoryIndex, costGrow, opGrow)
	set(constI32, 1, 0x41)
	set(constI64, 1, 0x42)
	set(constF32, 1, 0x43)
	set(constF64, 1, 0x44)
	for c := 0x45; c <= 0xc4; c++ {
		t[c] = op{imm: plain, cost: 1}
	}
	// Division and remainder; square root, product and quotient of f32 and of f64.
	set(plain, costDivide, 0x6d, 0x6e, 0x6f, 0x70, 0x7f, 0x80, 0x81, 0x82)
	set(plain, costFloat, 0x91, 0x94, 0x95, 0x9f, 0xa2, 0xa3)
	set(plain, costConvert, 0x8d, 0x8e, 0x8f, 0x90, 0x9b, 0x9c, 0x9d, 0x9e)
	for c := byte(0xa8); c <= 0xbb; c++ { // but the extensions of i32 to i64
		if c != 0xac && c != 0xad {
			set(plain, costConvert, c)
		}
	}
	set(misc, 1, 0xfc)
	return t
}
