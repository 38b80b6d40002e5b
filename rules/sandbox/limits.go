package sandbox

import "sluice/rules"

// Fuel is counted in units of about one simple instruction.
const (
	// RecordFuel is the budget of one call, and so of any record in it.
	RecordFuel = 100_000
	// StartFuel is the budget of start-up: the start function and sluice_buf.
	StartFuel = 2_000_000
	// GoRecordFuel and GoStartFuel are those budgets in the Go profile.
	GoRecordFuel = 2_000_000
	GoStartFuel  = 10_000_000
	// MaxModule is the most bytes of a module in any profile.
	MaxModule = 3584 << 10
	// MaxBatch is the most records that one call carries.
	MaxBatch = 256
	// slice is the fuel between two pauses of a call, and firstSlice before the first one
	// of who had to wait: somebody else ran meanwhile, so that its memory is not in the
	// processor's caches, and a load takes a hundred times as long as it will later. Each
	// slice after that is twice as long.
	slice      = 20_000
	firstSlice = 1000
	// discardFuel and goDiscardFuel are what a query pays for an instance that it
	// spoiled.
	discardFuel   = 100_000
	goDiscardFuel = 2_000_000
)

// Limits of every module, whatever its profile.
const (
	maxTypes    = 512
	maxParams   = 32
	maxResults  = 8
	maxGlobals  = 64
	maxExports  = 64
	maxElements = 64  // segments
	maxName     = 256 // bytes of an import or export name
)

// Limits of a module in the lean profile.
const (
	maxModule        = 256 << 10 // bytes
	maxImports       = 1
	maxFunctions     = 1000
	maxTableEntries  = 1024
	maxMemoryPages   = 16 // of 64 KiB
	maxData          = 512
	maxBody          = 32 << 10  // bytes of a function
	maxLocals        = 512       // of a function, parameters included
	maxAllLocals     = 20_000    // of all functions
	maxBlocks        = 1000      // basic blocks of a function
	maxBlocksSquared = 1_000_000 // summed over all functions
	maxLocalsBlocks  = 100_000   // locals × blocks of a function
	maxAllLocalsBlks = 500_000   // summed over all functions
	maxNesting       = 1024
	maxBranchTable   = 4096
	maxStackWeight   = 512
)

// limits are those of a profile. The engine's compiler grows with the square of
// the blocks of a function and with locals × blocks, hence those.
type limits struct {
	module          int // bytes
	imports         int
	functions       int
	tableEntries    int
	pages           int // of memory, 64 KiB each
	data            int // segments
	body            int // bytes of a function
	locals          int // of a function, parameters included
	allLocals       int // of all functions
	blocks          int // basic blocks of a function
	blocksSquared   int // summed over all functions
	localsBlocks    int // locals × blocks of a function
	allLocalsBlocks int // summed over all functions
	nesting         int
	branchTable     int
	hostCall        int   // fuel of a call that leaves the guest, more than of others
	stack           int   // the weight of the call stack
	call            int64 // fuel of a call
	start           int64 // fuel of start-up
	slice           int64 // fuel after which a call pauses
	discard         int64 // fuel of an instance that a call spoiled
	weight          int64 // of a call about one record, see faultWeight
}

var leanLimits = limits{
	module: maxModule, imports: maxImports, functions: maxFunctions, tableEntries: maxTableEntries,
	pages: maxMemoryPages, data: maxData, body: maxBody, locals: maxLocals, allLocals: maxAllLocals,
	blocks: maxBlocks, blocksSquared: maxBlocksSquared, localsBlocks: maxLocalsBlocks,
	allLocalsBlocks: maxAllLocalsBlks, nesting: maxNesting, branchTable: maxBranchTable,
	stack: maxStackWeight, call: RecordFuel, start: StartFuel, slice: slice, discard: discardFuel,
	weight: faultWeight,
}

// goLimits hold the runtime of Go, which has 1,300 functions, 1,600 blocks in the
// largest and 38 million in the sum of squares, and a rule beside it.
var goLimits = limits{
	module: MaxModule, imports: len(goImports), functions: 4000, tableEntries: 16 << 10, pages: 96,
	data: 64 << 10, body: 32 << 10, locals: maxLocals, allLocals: 30_000,
	blocks: 2500, blocksSquared: 80_000_000, localsBlocks: 100_000,
	allLocalsBlocks: 4_000_000, nesting: maxNesting, branchTable: maxBranchTable,
	hostCall: 200, stack: maxStackWeight, call: GoRecordFuel, start: GoStartFuel, slice: slice, discard: goDiscardFuel,
	weight: goFaultWeight,
}

func limitsOf(p rules.Profile) *limits {
	if p == rules.Go {
		return &goLimits
	}
	return &leanLimits
}

// The call stack: a frame weighs 1 and one more for every instructionsPerWeight
// instructions and locals, which bound the size of its machine frame.
const (
	instructionsPerWeight = 128
)

// Prices, in fuel. What is not named costs 1, nop and block marks nothing. They follow
// the time that an instruction takes at its worst, see BenchmarkPrices: a unit is about a
// quarter of a nanosecond, and for no class much more than half of one. Loads are the
// exception: those that miss the processor's caches one after the other take longer than
// a price could say that is right for the others.
const (
	costCall      = 5
	costDivide    = 6  // of integers
	costFloat     = 64 // multiply, divide, root: subnormal numbers are slow
	costConvert   = 3  // between integers and floating point, and rounding
	costLoad      = 4
	costBranchTab = 10     // mostly mispredicted
	costBulk      = 10     // plus one for every 8 bytes
	costFill      = 32     // plus one for every 8 bytes
	costGrow      = 50_000 // the memory may be copied
	localsPerFuel = 4      // locals zeroed at entry for one unit
	bulkShift     = 3
)
