package loadgen

import (
	"math/bits"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// pace is how the frames of a stream follow one another: intervals in
// intervalUnit.
type pace struct {
	interval uint64 // between frames, or from a burst's last to the next one's first; 0: no schedule
	gap      uint64 // between the frames of a burst
	burst    uint64 // frames; 0 or 1: evenly spaced
	stepAt   uint64 // from that frame on ...
	step     uint64 // ... the interval is this
}

func (p Plan) pace() pace {
	out := pace{interval: intervalOf(p.Rate), stepAt: never}
	if t := p.Traffic; t.Burst > 1 {
		out.burst, out.gap = uint64(t.Burst), intervalOf(t.BurstRate)
		whole := uint64(float64(time.Second)*intervalUnit*float64(t.Burst)/float64(p.Rate) + 0.5)
		out.interval = whole - min(whole, (out.burst-1)*out.gap)
	}
	if t := p.Traffic; t.Step > 0 {
		out.stepAt, out.step = p.Rate.Frames(t.StepAt), intervalOf(t.Step)
	}
	return out
}

// after is the interval from frame n to the next.
func (c pace) after(n uint64) uint64 {
	switch {
	case n+1 >= c.stepAt:
		return c.step
	case c.burst > 1 && (n+1)%c.burst != 0:
		return c.gap
	}
	return c.interval
}

// due is when frame n is due, in the schedule's own time.
func (c pace) due(n uint64) time.Duration {
	at := uint64(0)
	switch {
	case n >= c.stepAt && c.stepAt > 0:
		at = (c.stepAt-1)*c.interval + (n-c.stepAt+1)*c.step
	case c.burst > 1:
		at = n/c.burst*(c.interval+(c.burst-1)*c.gap) + n%c.burst*c.gap
	default:
		at = n * c.interval
	}
	return time.Duration(at / intervalUnit)
}

// sentAt is when frame n was sent, since the start of the trial: the schedule
// stood still while the machine had taken the tester's core.
func (c pace) sentAt(n uint64, stalls []rfc2544.Stall) time.Duration {
	at := c.due(n)
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
