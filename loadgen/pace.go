package loadgen

import (
	"math/bits"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// IntervalUnit is the number of interval units in a nanosecond. An interval unit is 2^-20 ns, about
// a millionth of a nanosecond. So the rounding error after 10^9 frames is less than 1 us.
const IntervalUnit = 1 << 20

// Interval returns the time between two frames at a rate in interval units. It returns 0 for a
// flood.
func Interval(r rfc2544.Rate) uint64 {
	if r.IsFlood() {
		return 0
	}
	return uint64(float64(time.Second)*IntervalUnit/float64(r) + 0.5)
}

// Pace describes the times between the frames of a stream. All intervals are in interval units (see
// IntervalUnit).
type Pace struct {
	Interval uint64 // time between two frames, or between two bursts; 0: no schedule
	Gap      uint64 // time between two frames of a burst
	Burst    uint64 // frames of a burst; 0 or 1: no bursts
	StepAt   uint64 // number of the frame at which the load changes; Never: no change
	Step     uint64 // time between two frames after the change
}

// Pace returns the pace of the plan's streams. All streams have the same pace.
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

// After returns the interval from frame n to frame n+1 in interval units.
func (c Pace) After(n uint64) uint64 {
	switch {
	case n+1 >= c.StepAt:
		return c.Step
	case c.Burst > 1 && (n+1)%c.Burst != 0:
		return c.Gap
	}
	return c.Interval
}

// Due returns the time at which frame n is due, since the start of the schedule, without pauses.
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

// sentAt returns the time at which frame n was sent, since the start of the trial. It includes the
// stalls of the tester's core, because the schedule pauses during these stalls.
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

// lastMissing returns the highest number below n whose bit is 0 in a bitmap. word returns word i of
// the bitmap. ok is false if all n bits are 1.
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
