package lab

import (
	"time"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// busy is what everything but the soakers took of the device's cores between
// two readings, stolen time left out.
func (l *Lab) busy(before, after reading, stolen map[int]time.Duration, idle []float64) time.Duration {
	var sum float64
	for i, s := range l.soakers {
		elapsed := float64(after.at.Sub(before.at) - stolen[s.cpu])
		sum += elapsed - float64(after.loops[i]-before.loops[i])*idle[i]
	}
	return time.Duration(sum)
}

// testerCost is what the tester's core spent on a frame, in ns: time that its
// polls lack, by their price when there is nothing else to do.
func (r run) testerCost(pollPrice float64) float64 {
	s := r.ledger.Streams[0]
	polls := float64(r.ledger.Polls - s.Offered)
	return (float64(r.ledger.Duration) - polls*pollPrice) / float64(s.Offered)
}

// charge books the CPU time of a delivered frame on all cores, minus what the
// bare wire costs on the tester's; and beside it what the kernel says of the
// device's processes. Where nothing can be said, nothing is.
func (b *Bench) charge(o *rfc2544.Observation, r run) {
	if o.Received == 0 {
		return
	}
	if b.session.HasProcesses() {
		own := float64(r.after.process-r.before.process) / float64(o.Received)
		o.ProcessCPU = &own
	}
	c := b.lab.wires[r.plan.Size]
	if c == nil || b.lab.shared() || r.plan.Rate.IsFlood() {
		return
	}
	batch := r.plan.BatchSize()
	onTester := (r.testerCost(c.pollPrice[batch]) - c.wireCost[batch]) * float64(o.Offered)
	onDevice := float64(b.lab.busy(r.before, r.after, r.ledger.Stolen, c.idle))
	perFrame := (onTester + onDevice) / float64(o.Received)
	o.CPUPerFrame = &perFrame
}
