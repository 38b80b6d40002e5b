package sandbox

// Fuel is counted in units of about one simple instruction.
const (
	// RecordFuel is the budget of one call, and so of any record in it.
	RecordFuel = 100_000
	// StartFuel is the budget of start-up: the start function and sluice_buf.
	StartFuel = 2_000_000
	// MaxBatch is the most records that one call carries.
	MaxBatch = 256
	// discardFuel is what a query pays for an instance that it spoiled.
	discardFuel = 50_000
)

// Limits of a module in the lean profile. The engine's compiler grows with the
// square of the blocks of a function and with locals × blocks, hence those.
const (
	maxModule        = 256 << 10 // bytes
	maxTypes         = 512
	maxParams        = 32
	maxResults       = 8
	maxImports       = 1
	maxFunctions     = 1000
	maxGlobals       = 64
	maxExports       = 64
	maxTableEntries  = 1024
	maxMemoryPages   = 16 // of 64 KiB
	maxElements      = 64 // segments
	maxData          = 512
	maxName          = 256       // bytes of an import or export name
	maxBody          = 32 << 10  // bytes of a function
	maxLocals        = 512       // of a function, parameters included
	maxAllLocals     = 20_000    // of all functions
	maxBlocks        = 1000      // basic blocks of a function
	maxBlocksSquared = 1_000_000 // summed over all functions
	maxLocalsBlocks  = 100_000   // locals × blocks of a function
	maxAllLocalsBlks = 500_000   // summed over all functions
	maxNesting       = 1024
	maxBranchTable   = 4096
)

// The call stack: a frame weighs 1 and one more for every instructionsPerWeight
// instructions and locals, which bound the size of its machine frame.
const (
	maxStackWeight        = 512
	instructionsPerWeight = 128
)

// Prices, in fuel. What is not named costs 1, nop and block marks nothing.
const (
	costCall      = 5
	costDivide    = 6
	costBranchTab = 2
	costBulk      = 10     // plus one for every 8 bytes
	costGrow      = 50_000 // the memory is copied
	localsPerFuel = 4      // locals zeroed at entry for one unit
	bulkShift     = 3
)
