package loadgen

import (
	"math/bits"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// IntervalUnit: intervals are in units of 2^-20 ns, exact to a part in a million
// of a nanosecond, so that 10^9 frames drift by less than a microsecond.
const IntervalUnit = 1 << 20

// Interval is the time between frames at a rate, in IntervalUnit; 0 for a flood.
func Interval(r rfc2544.Rate) uint64 {
	if r.IsFlood() {
		return 0
	}
	return uint64(float64(time.Second)*IntervalUnit/float64(r) + 0.5)
}

// Pace is how the frames of a stream follow one another: intervals in
// IntervalUnit.
type Pace struct {
	Interval uint64 // between frames, or from a burst's last to the next one's first; 0: no schedule
	Gap      uint64 // between the frames of a burst
	Burst    uint64 // frames; 0 or 1: evenly spaced
	StepAt   uint64 // from that frame on ...
	Step     uint64 // ... the interval is this
}

// Pace is the pace of each of the plan's streams.
func (p Plan) Pace() Pace {
	out := Pace{Interval: Interval(p.Load), StepAt: Never}
	if t := p.Traffic; t.Burst > 1 {
		out.Burst, out.Gap = uint64(t.Burst), Interval(t.BurstRate)
		whole := uint64(float64(time.Second)*IntervalUnit*float64(t.Burst)/float64(p.Load) + 0.5)
		out.Interval = whole - min(whole, (out.Burst-1)*out.Gap)
	}
	if t := p.Traffic; t.Step > 0 {
		out.StepAt, out.Step = p.Load.Frames(t.StepAt), Interval(t.Step)
	}
	return out
}

// After is the interval from frame n to the next.
func (c Pace) After(n uint64) uint64 {
	switch {
	case n+1 >= c.StepAt:
		return c.Step
	case c.Burst > 1 && (n+1)%c.Burst != 0:
		return c.Gap
	}
	return c.Interval
}

// Due is when frame n is due, in the schedule's own time.
func (c Pace) Due(n uint64) time.Duration {
	at := uint64(0)
	switch {
	case n >= c.StepAt && c.StepAt > 0:
		at = (c.StepAt-1)*c.Interval + (n-c.StepAt+1)*c.Step
	case c.Burst > 1:
		at = n/c.Burst*(c.Interval+(c.Burst-1)*c.Gap) + n%c.Burst*c.Gap
	default:
		at = n * c.Interval
	}
	return time.Duration(at / IntervalUnit)
}

// sentAt is when frame n was sent, since the start of the trial: the schedule
// stood still while the machine had taken the tester's core.
func (c Pace) sentAt(n uint64, stalls []rfc2544.Stall) time.Duration {
	at := c.Due(n)
	stalls = slices.Clone(stalls)
	slices.SortFunc(stalls, func(a, b rfc2544.Stall) int { return int(a.At - b.At) })
	for _, s := range stalls {
		if s.Side == rfc2544.SideTester && s.At <= at {
			at += s.Length
		}
	}
	return at
}

// lastMissing is the highest number below n whose bit is not set in a bitmap
// that is read word by word.
func lastMissing(n uint64, word func(i uint64) uint64) (uint64, bool) {
	for n > 0 {
		i := (n - 1) / 64
		missing := ^word(i)
		if used := n - i*64; used < 64 {
			missing &= 1<<used - 1
		}
		if missing != 0 {
			return i*64 + uint64(63-bits.LeadingZeros64(missing)), true
		}
		n = i * 64
	}
	return 0, false
}
