package lab

import (
	"time"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// busy is what everything but the soakers took of the device's cores during a
// run, time that the machine took left out where the engine knows of it.
func (l *Lab) busy(r Run) (sum time.Duration) {
	for i, s := range l.soakers {
		sum += r.after.lost[i] - r.before.lost[i] - r.Ledger.Stolen[s.cpu]
	}
	return sum
}

// elapsed is the time that busy speaks of.
func (r Run) elapsed() time.Duration { return r.after.at.Sub(r.before.at) }

// testerWork is what the tester's core spent on a frame, whatever its direction, in ns.
func (r Run) testerWork() float64 {
	return float64(r.Ledger.Work) / float64(max(1, r.offered()))
}

// charge adds the CPU time of a delivered frame (of both directions, when both
// are measured at once) on all cores, minus what the bare wire costs; and beside it what the kernel says of the device's
// processes. A value that cannot be known stays absent.
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
	isWire := s.device.Up == nil // what everything else is compared with
	if c == nil || isWire || s.session.Spins() || s.wan.Spins() || s.lab.Shared() || r.Plan.Load.IsFlood() {
		return
	}
	onTester := (r.testerWork() - c.wireWork[r.Plan.BatchSize()]) * float64(o.Offered)
	onDevice := float64(s.lab.busy(r)-(r.after.wan-r.before.wan)) - c.background*float64(r.elapsed())
	perFrame := (onTester + onDevice) / float64(o.Received)
	o.CPUPerFrame = &perFrame
}
