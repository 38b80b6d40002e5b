package sandbox

import "syscall"

// yield lets another thread that the kernel has put on this processor run now, and not
// at the end of the slice of some milliseconds that it gives a thread. It takes 0.3 µs
// where none waits, and where the machine is busy as long as the slices of those that do:
// it is for who works in vain, and not for every pause. [syscall.RawSyscall] keeps the goroutine on its thread: with
// Syscall, the runtime would hand its processor on where the yield takes longer.
func yield() { _, _, _ = syscall.RawSyscall(syscall.SYS_SCHED_YIELD, 0, 0, 0) }
