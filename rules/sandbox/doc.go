// Package sandbox runs the modules of custom rules: it checks a module before
// the WebAssembly engine sees a byte, rewrites it so that every step is paid
// for, and asks it about batches of records.
//
// # The life of a module
//
// [Runner.Load] reads the manifest, checks the binary against the limits in
// limits.go ([Inspect] does the same for an upload and keeps nothing), meters it,
// has it compiled and makes one trial instance. [Runner.Decide] then cuts rows
// into calls, writes them into the guest's own buffer and reads the verdicts.
//
// # Compiling
//
// A compiler has no fuel, and what the static check lets through may still find
// a mistake of the compiler's. So a server compiles in a child process: this
// binary begun anew ([Child]), with an empty environment, hard limits on memory,
// processor time, file sizes and open files (on Linux; elsewhere the parent's
// clock alone), and a directory to itself. Whatever ends in another way than
// well refuses the module, and where no child can be begun every module that is
// not on disk yet is refused: nothing is compiled in the server instead.
//
// What a child made is sealed and kept in a [Cache], and every runtime reads its
// code from there, after a restart too. Tools that run a developer's own module
// have no Cache, and compile in their own process.
//
// # What bounds a guest
//
// A running guest cannot be preempted, and the garbage collector waits for it.
// So a bound on its work is a matter of life for the process, and it pauses after
// every 20,000 fuel: there it is in Go code, a collection can begin, and it stands
// back for others, see below. Who had to wait pauses after 1000 fuel first, then after twice
// as much each time: somebody else's data is in the processor's caches. What puts a guest's
// memory back pauses after every page. The rewritten
// module counts down a fuel counter for every basic block and tests it at every
// function entry and loop head; it counts the weight of the call stack; bulk
// operations pay by length; the start section runs as a call with fuel. The
// counters sit behind the module's own globals, and the check refuses every
// index that does not exist, so the guest cannot name them.
//
// One call has the fuel of one record, [RecordFuel], whether it carries one
// record or 256. A batch that spends more is cut smaller, down to records asked
// alone: a record therefore gets the same verdict in every batch, and the size
// of the batch follows the cost of the rule.
//
// A query has a budget over all its calls, and a tenant one for a second, see
// [Options.TenantFuel]: whoever spends more of that waits, and gets the same
// answers later.
//
// # Turns
//
// At most GOMAXPROCS - 1 guests run at once. Those turns go to the tenant whose rules
// have spent least fuel lately: a query keeps its turn from call to call until somebody
// waits who has spent less. So beside a tenant whose rules run all the time another's
// query waits for the next pause of what is running, and not for one after each of its own.
// While a call runs it counts more than its fuel, the more the fewer records it is about, and
// where it fails that stays: a call that does not end makes room for others early. Who holds a
// turn in vain so far, in a long call about one record or after one that failed, offers its
// processor to whom the kernel has put there.
// A tenant has one child compiler of two, and the next goes to who had fewest modules
// compiled. Whatever runs no guest waits for no turn.
//
// # What isolates a guest
//
// Instances belong to one tenant and one version. After every batch, memory and
// all mutable globals are put back to what they were after start-up; the check
// refuses whatever could change tables and segments. An instance that trapped
// or grew its memory is thrown away, and what takes its place begins where start-up
// ended, in memory that is cleared and used again. One record in 64 is asked again alone, of
// fewer than 256 some at every question, and a difference quarantines the rule in this process.
//
// # Profiles
//
// A manifest may ask for the Go profile: the same check and the same metering with
// the limits that the runtime of Go needs, and its ten imports from host.go. These
// answer the same whenever they are asked, keep nothing, touch the guest's memory
// within its bounds and have a price of their own; a table cannot hold them.
package sandbox
