package lab

import (
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/netns/counters"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// A trial is broken, and counts for nothing, if the tester failed or the device died. A trial that
// the machine disturbed is not broken: it has less clean time. A slow core is only a value.
const (
	maxForeignShare = 0.001 // of the frames offered: stale and foreign ones
	maxForeignCPU   = 0.05  // of the device's cores, used by other programs
)

// classify returns the reasons why a run is broken; a run that counts has none.
func (r Run) classify(o rfc2544.Observation) rfc2544.Reasons {
	reasons := r.classifyTester(o)
	if r.after.at.IsZero() {
		reasons = append(reasons, rfc2544.Because(rfc2544.DUTDied, "the device ended during the trial"))
	}
	return reasons
}

// classifyTester returns the reasons that do not depend on the device.
func (r Run) classifyTester(o rfc2544.Observation) rfc2544.Reasons {
	return slices.Concat(r.classifySending(o), r.classifyReceiving(o), classifyFrames(o))
}

// classifySending checks that the tester sent all intended frames.
func (r Run) classifySending(o rfc2544.Observation) rfc2544.Reasons {
	switch {
	case r.CutShort:
		return rfc2544.Reasons{rfc2544.Because(rfc2544.CutShort, "cut short after %v of %v", o.Duration.Round(time.Millisecond), r.Plan.Duration)}
	case o.Offered >= o.Intended:
		return nil
	}
	return rfc2544.Reasons{rfc2544.Because(rfc2544.SenderShort, "the tester sent %d of %d frames", o.Offered, o.Intended)}
}

// classifyReceiving looks for frames that the tester's receiver dropped.
func (r Run) classifyReceiving(o rfc2544.Observation) (reasons rfc2544.Reasons) {
	for _, d := range o.Drops {
		if d.Frames > 0 && slices.Contains(r.sinks, counters.Place{Node: d.Node, Device: d.Device, Kind: d.Kind}) {
			reasons = append(reasons, rfc2544.Because(rfc2544.ReceiverOverflow, "the tester's receiver dropped %d frames", d.Frames))
		}
	}
	if n := r.Ledger.Dropped; n > 0 {
		reasons = append(reasons, rfc2544.Because(rfc2544.ReceiverOverflow, "the tester's receiver dropped %d frames: its ring was full", n))
	}
	return reasons
}

// classifyFrames counts stale and foreign frames.
func classifyFrames(o rfc2544.Observation) rfc2544.Reasons {
	if float64(o.Stale+o.Foreign) <= maxForeignShare*float64(o.Offered) {
		return nil
	}
	return rfc2544.Reasons{rfc2544.Because(rfc2544.ForeignFrames, "%d stale and %d foreign frames among %d", o.Stale, o.Foreign, o.Offered)}
}

// unaccounted looks for CPU time on the device's cores that nobody accounts for: other programs
// used it. It is for measurements without a tracepoint that sees those programs.
func (l *Lab) unaccounted(r Run) rfc2544.Reasons {
	if l.Shared() || len(l.soakers) == 0 {
		return nil
	}
	share := l.foreign(r)
	if share <= maxForeignCPU {
		return nil
	}
	return rfc2544.Reasons{rfc2544.Because(rfc2544.OtherPrograms, "%s used %.0f %% of the device's cores", r.others(), 100*share)}
}

// foreign returns the share of CPU time on the device's cores that belongs neither to soakers,
// device, wan link and the caller nor to soft interrupts: other programs used it.
func (l *Lab) foreign(r Run) float64 {
	known := r.Beside + r.after.process - r.before.process + r.after.wan - r.before.wan + r.after.softirq - r.before.softirq
	var whole time.Duration
	for i, s := range l.soakers {
		known += r.after.soaked[i] - r.before.soaked[i]
		whole += r.elapsed() - r.Ledger.Stolen[s.cpu] // the kernel charges stolen time to no process
	}
	return 1 - float64(known)/float64(whole)
}

// others names the possible users of the foreign CPU time. Without stall detection in the engine,
// other programs and the hypervisor cannot be told apart.
func (r Run) others() string {
	if r.Ledger.Stolen == nil {
		return "other programs, or the host of this virtual machine,"
	}
	return "other programs"
}
