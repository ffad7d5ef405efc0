// Package guest is the first process of an emulated machine (internal/lab/emulated). It brings up
// each device of its job in network namespaces, sends batches of frames through it in a closed loop,
// and prints what a batch cost, in instructions.
//
//	SCHED_FIFO                      everybody else                   SCHED_IDLE
//	clock, send 32 frames ────────► device runs until it is dry ────► take 32 frames, clock
//
// A device gets whole batches and runs dry before the tester looks. Otherwise a change of a few
// instructions would move the moments at which threads wake each other, and with them the cost of a
// frame by some per cent: the same number every time, and wrong.
package guest
