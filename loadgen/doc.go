// Package loadgen is the tester: it sends frames on a schedule, books every
// one that comes back, and says what the machine did meanwhile.
//
//	           user space                       kernel
//	Plan ──> Run ── memory both share ──> send: due? write, stamp, redirect ──> port 0
//	                                                                             │ device
//	Ledger <── ledger, histograms, stalls <── receive: check, book, time <── port 1
//
// An engine runs one whole trial: Run(ctx, Plan) (Ledger, error). The xdp engine
// sends and receives inside the kernel (BPF_PROG_TEST_RUN in live-frames mode,
// kernel 5.18): every frame carries stream, trial, sequence number and send
// time, and every frame is booked and timed; nothing is sampled.
//
// The schedule is absolute: frame n is due at start + n/rate. A frame that the
// send path made late goes out at once and the schedule does not shift. Time
// that the machine took from the tester's core pauses the schedule, and both
// the pause and every stall are part of the ledger.
//
// Beside the engines there is a stream tester, a client and a server on plain
// sockets over the kernel's own TCP:
//
//	StreamPlan ─► RunStreams, ServeStreams ─► StreamResult of each end ─► Add
package loadgen
