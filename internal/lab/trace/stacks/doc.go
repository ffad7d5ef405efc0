// Package stacks says in which functions the cores of a device spend their time: it samples their call stacks, and folds equal
// ones into one line, which flamegraph.pl, inferno and speedscope read.
//
//	cpu-clock of each core ─► records in memory ─► samples ─┬─► folded stacks
//	perf_event_open(2)        read when all is over         │   left naive;main.main;syscall.read;vfs_read_[k] 17
//	                                                        │
//	            /proc/kallsyms, /proc/PID/maps, ELF files ──┴─ names
//
// A sample belongs to a process of the device, to a thread of the kernel, or to soft interrupts, which interrupt anybody. What else
// runs on the core, its spinner among it, is idle time to the device, and is left out.
package stacks
