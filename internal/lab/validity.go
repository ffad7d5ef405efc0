package lab

import (
	"maps"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/netns/counters"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// A trial does not count if the tester or the machine disturbed it. The device's own behaviour does
// not invalidate a trial, unless the device dies.
const (
	maxStallShare   = 0.05                  // largest share of a trial that a core may be stalled
	maxStall        = 25 * time.Millisecond // longest single stall
	rideOut         = 0.002                 // of a trial: a longer stall that cost no frame is ridden out
	maxForeignShare = 0.001                 // of the frames offered: stale and foreign ones
	maxForeignCPU   = 0.05                  // of the device's cores, used by other programs
)

// classify returns the reasons why a run does not count; a run that counts has none.
func (l *Lab) classify(o rfc2544.Observation, r Run) rfc2544.Reasons {
	reasons := r.classifyLedger(o)
	if r.after.at.IsZero() {
		return append(reasons, rfc2544.Because(rfc2544.DUTDied, "the device ended during the trial"))
	}
	return slices.Concat(reasons, l.classifySpeed(o, r), l.classifyMachine(r))
}

// classifyLedger looks at what the tester counted.
func (r Run) classifyLedger(o rfc2544.Observation) rfc2544.Reasons {
	return slices.Concat(classifySending(o), r.classifyReceiving(o), r.classifyStalls(o), classifyFrames(o))
}

// classifySending checks that the tester sent all intended frames.
func classifySending(o rfc2544.Observation) rfc2544.Reasons {
	if o.Offered >= o.Intended {
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

// classifyStalls checks the longest stall and the total stall time of each core.
func (r Run) classifyStalls(o rfc2544.Observation) (reasons rfc2544.Reasons) {
	stalled := func(format string, args ...any) {
		reasons = append(reasons, rfc2544.Because(rfc2544.Stalled, format, args...))
	}
	whole := o.Duration + o.Paused
	sums, longest := sumStalls(o.Stalls)
	for _, cpu := range slices.Sorted(maps.Keys(sums)) {
		if sum := sums[cpu]; float64(sum) > maxStallShare*float64(whole) {
			stalled("the machine took cpu %d away for %v of %v", cpu, sum.Round(time.Millisecond), whole.Round(time.Millisecond))
		}
	}
	if longest.Length > maxStall && (o.Lost > 0 || float64(longest.Length) > rideOut*float64(whole)) {
		stalled("the machine took cpu %d away for %v at once", longest.CPU, longest.Length.Round(time.Millisecond))
	}
	if n := r.Ledger.StallsBeyond; n > 0 {
		stalled("%d stalls more than can be listed", n)
	}
	return reasons
}

// sumStalls returns the stalled time of each core and the longest stall of all.
func sumStalls(stalls []rfc2544.Stall) (sums map[int]time.Duration, longest rfc2544.Stall) {
	sums = map[int]time.Duration{}
	for _, s := range stalls {
		sums[s.CPU] += s.Length
		if s.Length > longest.Length {
			longest = s
		}
	}
	return sums, longest
}

// classifyFrames counts stale and foreign frames.
func classifyFrames(o rfc2544.Observation) rfc2544.Reasons {
	if float64(o.Stale+o.Foreign) <= maxForeignShare*float64(o.Offered) {
		return nil
	}
	return rfc2544.Reasons{rfc2544.Because(rfc2544.ForeignFrames, "%d stale and %d foreign frames among %d", o.Stale, o.Foreign, o.Offered)}
}

// classifySpeed checks that the device's cores ran at full speed, while throttle budget is left.
func (l *Lab) classifySpeed(o rfc2544.Observation, r Run) rfc2544.Reasons {
	if o.CoreSpeed == nil || *o.CoreSpeed*maxSlowdown >= 1 || l.throttleBudget <= 0 || r.anySpeed {
		return nil
	}
	return rfc2544.Reasons{rfc2544.Because(rfc2544.SlowCore, "the device's cores ran at %.0f %% of their speed", 100**o.CoreSpeed)}
}

// classifyMachine looks for other programs on the device's cores.
func (l *Lab) classifyMachine(r Run) rfc2544.Reasons {
	if l.Shared() {
		return nil
	}
	share := l.foreign(r)
	if share <= maxForeignCPU {
		return nil
	}
	return rfc2544.Reasons{rfc2544.Because(rfc2544.OtherPrograms, "%s used %.0f %% of the device's cores", r.others(), 100*share)}
}

// foreign returns the share of CPU time on the device's cores that belongs neither to soakers,
// device and wan link nor to soft interrupts: other programs used it.
func (l *Lab) foreign(r Run) float64 {
	known := r.after.process - r.before.process + r.after.wan - r.before.wan + r.after.softirq - r.before.softirq
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
