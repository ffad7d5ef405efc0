package lab

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/stats"
	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// A slice of a trial is disturbed when something outside of the device took a core away in it:
//
//	stall           the host of a virtual machine, or firmware (the canary and the sender see it)
//	other programs  programs that are neither the lab's nor the device's (the scheduler's tracepoint sees them)
//
// or while the device recovers from that. What the device does to itself is no disturbance: its own
// threads, its garbage collector, its soft interrupts, its full queues.
const (
	foreignLimit = 200 * time.Microsecond // of another program in a slice; as FOREIGN_LIMIT in bpf/tester.h
	recoverySpan = 5                      // slices: the longest recovery that is excused
	recoveryBand = 2                      // times the usual latency: above it the device still recovers
	queueSpan    = 50 * time.Millisecond  // the longest time on its way that a frame is excused for
)

// disturbances finds the disturbed slices of a run.
type disturbances struct {
	ledger    loadgen.Ledger
	disturbed []bool
	reasons   rfc2544.Reasons
}

// findDisturbances marks the disturbed slices of a ledger, and says what disturbed them.
func findDisturbances(l loadgen.Ledger) disturbances {
	d := disturbances{ledger: l, disturbed: make([]bool, len(l.Slices))}
	d.stalls()
	d.otherPrograms()
	d.recovery()
	return d
}

// mark marks the slices from one time to another, both since the begin of the first slice. Frames
// that were on their way at the beginning are affected too.
func (d *disturbances) mark(from, to time.Duration) {
	if len(d.disturbed) == 0 || to < 0 {
		return
	}
	last := len(d.disturbed) - 1
	first := min(last, int(max(0, from)/loadgen.SliceTime))
	onTheWay := min(d.ledger.Slices[first].MeanLatency(), queueSpan)
	first = int(max(0, from-onTheWay) / loadgen.SliceTime)
	for i := min(first, last); i <= min(last, int(to/loadgen.SliceTime)); i++ {
		d.disturbed[i] = true
	}
}

// stalls marks what the machine took away.
func (d *disturbances) stalls() {
	sums := map[int]time.Duration{}
	for _, s := range d.ledger.Stalls {
		sums[s.CPU] += s.Length
		d.mark(s.At, s.At+s.Length)
	}
	whole := d.ledger.Duration + d.ledger.Paused
	for _, cpu := range slices.Sorted(maps.Keys(sums)) {
		d.reasons = append(d.reasons, rfc2544.Because(rfc2544.Stalled, "the machine took cpu %d away for %v of %v", cpu, round(sums[cpu]), round(whole)))
	}
	if n := d.ledger.StallsBeyond; n > 0 {
		d.mark(d.ledger.Stalls[len(d.ledger.Stalls)-1].At, whole)
		d.reasons = append(d.reasons, rfc2544.Because(rfc2544.Stalled, "%d stalls more than can be listed", n))
	}
}

// otherPrograms marks the slices in which another program ran.
func (d *disturbances) otherPrograms() {
	whole := d.ledger.Duration + d.ledger.Paused
	for _, cpu := range slices.Sorted(maps.Keys(d.ledger.Others)) {
		sum := time.Duration(0)
		for i, took := range d.ledger.Others[cpu] {
			if took > foreignLimit {
				d.mark(time.Duration(i)*loadgen.SliceTime, time.Duration(i)*loadgen.SliceTime)
				sum += took
			}
		}
		if sum > 0 {
			name := "another program"
			if program := d.ledger.Programs[cpu]; program != "" {
				name = fmt.Sprintf("another program (%s)", program)
			}
			d.reasons = append(d.reasons, rfc2544.Because(rfc2544.OtherPrograms, "%s ran on cpu %d for %v of %v", name, cpu, round(sum), round(whole)))
		}
	}
}

// recovery marks the slices after a disturbance until the latency is back in its usual band.
func (d *disturbances) recovery() {
	usual := d.usualLatency()
	if usual == 0 {
		return
	}
	left := 0
	for i, s := range d.ledger.Slices {
		switch {
		case d.disturbed[i]:
			left = recoverySpan
		case left > 0 && (s.MeanLatency() > recoveryBand*usual || s.Sent > 0 && s.Received+s.Late == 0):
			d.disturbed[i] = true
			left--
		default:
			left = 0
		}
	}
}

// usualLatency returns the median of the mean latencies of the slices that are not disturbed.
func (d *disturbances) usualLatency() time.Duration {
	var all []float64
	for i, s := range d.ledger.Slices {
		if mean := s.MeanLatency(); mean > 0 && !d.disturbed[i] {
			all = append(all, float64(mean))
		}
	}
	if len(all) == 0 {
		return 0
	}
	return time.Duration(stats.Median(all))
}

// clean sums up the slices that are not disturbed.
func (d *disturbances) clean() rfc2544.Clean {
	var c rfc2544.Clean
	for i, s := range d.ledger.Slices {
		if d.disturbed[i] || s.Turn == 0 {
			continue
		}
		c.Time += s.Sending
		c.Offered += s.Sent
		c.Received += s.Received
	}
	return c
}

func round(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
