package lab

import (
	"time"

	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// busy returns the CPU time that all but soakers and other programs used on the device's cores
// during a run, without stolen time where the engine measures it.
func (l *Lab) busy(r Run) (sum time.Duration) {
	for i, s := range l.soakers {
		sum += r.after.lost[i] - r.before.lost[i] - r.Ledger.Stolen[s.cpu]
		for _, took := range r.Ledger.Others[s.cpu] {
			sum -= took
		}
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

// charge adds the CPU time per delivered frame on all cores, minus the CPU time of the bare wire:
// of the clean slices where the engine has slices. It also adds the CPU time of the device's
// processes as the kernel accounts for it. With both directions at once, frames of both count. A
// value that cannot be measured stays nil.
func (s *Setup) charge(o *rfc2544.Observation, r Run, d disturbances) {
	if o.Received == 0 {
		return
	}
	if s.session.HasProcesses() {
		own := float64(r.after.process-r.before.process) / float64(o.Received)
		user := float64(r.after.user-r.before.user) / float64(o.Received)
		o.ProcessCPU, o.UserCPU = &own, &user
	}
	c := s.lab.wires[s.wireKey(r.Plan.Size)]
	isFlood := r.Plan.Load.IsFlood() && r.Plan.Window == 0
	if c == nil || isFlood || !s.chargeable() {
		return
	}
	if _, known := c.wireWork[r.Plan.BatchSize()]; !known {
		return
	}
	w := r.wholeWork(s.lab)
	if n := len(r.Ledger.Slices); n > 0 && n < soakSlices { // soakers forget the slices of longer trials
		w = s.lab.cleanWork(d)
	}
	if w.received == 0 {
		return
	}
	wan := float64(r.after.wan-r.before.wan) / float64(o.Received) * float64(w.received)
	perFrame := (w.cost(c, r.Plan.BatchSize()) - wan) / float64(w.received)
	o.CPUPerFrame = &perFrame
}

// chargeable reports whether the CPU time of the set-up's device can be told from that of others.
// The bare wire is the calibration itself: there is nothing to subtract.
func (s *Setup) chargeable() bool {
	isWire := s.device.Up == nil
	return !isWire && !s.session.Spins() && !s.wan.Spins() && !s.lab.Shared() && s.lab.metered()
}

// work is the use of the cores in some part of a trial.
type work struct {
	elapsed        time.Duration
	device, tester time.Duration // CPU time: on the device's cores, on the tester's
	sent, received uint64        // frames
}

// cost returns the CPU time in ns that is not the bare wire's.
func (w work) cost(c *Calibration, batch int) float64 {
	onTester := float64(w.tester) - c.wireWork[batch]*float64(w.sent)
	onDevice := float64(w.device) - c.background*float64(w.elapsed)
	return onTester + onDevice
}

// wholeWork is the use of the cores in the whole run.
func (r Run) wholeWork(l *Lab) work {
	w := work{elapsed: r.elapsed(), device: l.busy(r), tester: r.Ledger.Work}
	for _, s := range r.Ledger.Streams {
		w.sent += s.Offered
		w.received += s.Received
	}
	return w
}

// cleanWork is the use of the cores in the slices that are not disturbed.
func (l *Lab) cleanWork(d disturbances) (w work) {
	for i, s := range d.ledger.Slices {
		if s.Turn > 0 && !d.disturbed[i] {
			w.add(l.sliceWork(d.ledger, i))
		}
	}
	return w
}

// sliceWork is the use of the cores in one slice.
func (l *Lab) sliceWork(ledger loadgen.Ledger, i int) work {
	s := ledger.Slices[i]
	w := work{elapsed: loadgen.SliceTime, tester: s.Work, sent: s.Sent, received: s.Received}
	for _, soaker := range l.soakers {
		w.device += soaker.lostIn(ledger.Begin/uint64(loadgen.SliceTime) + uint64(i))
	}
	for _, cpu := range l.cpus.DUT {
		if others := ledger.Others[cpu]; i < len(others) {
			w.device -= others[i]
		}
	}
	return w
}

func (w *work) add(o work) {
	w.elapsed += o.elapsed
	w.device += o.device
	w.tester += o.tester
	w.sent += o.sent
	w.received += o.received
}
