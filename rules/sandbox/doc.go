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
// # What bounds a guest
//
// A running guest cannot be preempted, and the garbage collector waits for it.
// So a bound on its work is a matter of life for the process. The rewritten
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
// # What isolates a guest
//
// Instances belong to one tenant and one version. After every batch, memory and
// all mutable globals are put back to what they were after start-up; the check
// refuses whatever could change tables and segments. An instance that trapped
// or grew its memory is thrown away. One record in 64 is asked again alone, and
// a difference quarantines the rule in this process.
//
// # What is not here yet
//
// Compilation happens in this process, bounded by the static check; the seam
// for a child process with hard limits is [Options.Compiler]. Modules that need
// WASI, which Go guests do, are refused.
package sandbox
