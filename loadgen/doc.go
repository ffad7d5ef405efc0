// Package loadgen is the tester. It sends frames on a schedule and counts every frame that it
// receives. It also measures disturbances by the machine during the trial.
//
//	           user space                       kernel
//	Plan ──> Run ──── shared memory ────> send: due? write, stamp, redirect ──> port 0
//	                                                                             │ device
//	Ledger <── counts, histograms, stalls <── receive: check, count, time <── port 1
//
// An engine runs a trial: Run(ctx, Plan) (Ledger, error). There are two engines, loadgen/xdp and
// loadgen/afpacket. This package holds the code that both engines use. Every frame has a signature
// with stream, trial, sequence number and send time (loadgen/signature). The tester counts every
// frame and measures the latency of every frame. It does not use samples.
//
// The schedule is absolute: frame n is due at start + n/rate. If sending took too long, the tester
// sends the delayed frames immediately and does not shift the schedule. If the machine took the
// tester's core away (a stall), the schedule pauses for that time. The ledger contains every stall
// and the total length of the pauses.
package loadgen
