// Package trace follows the tester's frames through a device, without the device's help: when each of them passes an
// interface, is read by a process, or is dropped by the kernel.
//
//	tester ──► lan ─► kernel ─► tb0 ─► read ─► process ─► wan ──► wan ─► ... ──► tester
//	           tcx              tcx    tracepoint         tcx     tcx            chained behind the
//	            │                │        │                │       │             tester's XDP program
//	            └────────────────┴────────┴─ one array of events ──┴─────────────────────┘
//	                                            │
//	              join (by the frame's signature, the packet's address, the socket's order)
//	                                            │
//	           unseal (WireGuard's counter, order) ─► hops, picked frames ─► reports/waterfall
//
// The programs write events into an array that is read when the trial is over, so that nothing runs beside it. They are held
// by descriptors: the kernel takes them off when the program ends, in whatever way. It needs Linux 6.6 (tcx) with BTF.
package trace
