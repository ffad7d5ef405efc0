// Package loadgen is the tester: it sends frames on a schedule, counts every
// frame that comes back, and says what the machine did meanwhile.
//
//	           user space                       kernel
//	Plan ──> Run ── memory both share ──> send: due? write, stamp, redirect ──> port 0
//	                                                                             │ device
//	Ledger <── counts, histograms, stalls <── receive: check, count, time <── port 1
//
// An engine runs one whole trial: Run(ctx, Plan) (Ledger, error). There are two,
// loadgen/xdp and loadgen/afpacket; this package has what both share. Every frame
// carries stream, trial, sequence number and send time (loadgen/signature), and
// every frame is counted and timed; nothing is sampled.
//
// The schedule is absolute: frame n is due at start + n/rate. A frame that the
// send path delayed goes out at once and the schedule does not shift. Time
// that the machine took from the tester's core pauses the schedule, and both
// the pause and every stall are part of the ledger.
package loadgen
