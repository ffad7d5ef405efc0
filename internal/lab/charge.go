package lab

import (
	"time"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// busy returns the CPU time that all but the soakers used on the device's cores during a run,
// without stolen time where the engine measures it.
func (l *Lab) busy(r Run) (sum time.Duration) {
	for i, s := range l.soakers {
		sum += r.after.lost[i] - r.before.lost[i] - r.Ledger.Stolen[s.cpu]
	}
	return sum
}

// elapsed returns the wall time that busy covers.
func (r Run) elapsed() time.Duration { return r.after.at.Sub(r.before.at) }

// testerWork returns the CPU time that the tester's core spent per frame, in ns, all directions
// together.
func (r Run) testerWork() float64 {
	return float64(r.Ledger.Work) / float64(max(1, r.offered()))
}

// charge adds the CPU time per delivered frame on all cores, minus the CPU time of the bare wire.
// It also adds the CPU time of the device's processes as the kernel accounts for it. With both
// directions at once, frames of both count. A value that cannot be measured stays nil.
func (s *Setup) charge(o *rfc2544.Observation, r Run) {
	if o.Received == 0 {
		return
	}
	if s.session.HasProcesses() {
		own := float64(r.after.process-r.before.process) / float64(o.Received)
		user := float64(r.after.user-r.before.user) / float64(o.Received)
		o.ProcessCPU, o.UserCPU = &own, &user
	}
	c := s.lab.wires[s.wireKey(r.Plan.Size)]
	isWire := s.device.Up == nil // the calibration itself: nothing to subtract
	if c == nil || isWire || s.session.Spins() || s.wan.Spins() || s.lab.Shared() || r.Plan.Load.IsFlood() {
		return
	}
	onTester := (r.testerWork() - c.wireWork[r.Plan.BatchSize()]) * float64(o.Offered)
	onDevice := float64(s.lab.busy(r)-(r.after.wan-r.before.wan)) - c.background*float64(r.elapsed())
	perFrame := (onTester + onDevice) / float64(o.Received)
	o.CPUPerFrame = &perFrame
}
