package relay

import (
	"time"

	"github.com/tunnelbench/tunnelbench/internal/splitmix"
)

// facts holds the properties of a frame that a lane uses.
type facts struct {
	length   int    // bytes on the wire, with FCS
	signed   bool   // the frame has the tester's signature
	trial    uint16 // trial number in the signature
	sequence uint32 // sequence number in the signature
}

// decision says what the relay does with a frame.
type decision struct {
	verdict verdict
	depart  int64 // time at which the frame leaves, in ns
	copies  int   // number of times that the frame is sent
	corrupt bool  // invert the last byte
	hold    bool  // hold the frame until the next frame that is not corrupted
	release bool  // send the held frame directly after this frame
}

// verdict says whether a frame passes or why it is dropped.
type verdict int

const (
	passed verdict = iota
	droppedByOutage
	droppedByPattern
	droppedByChance
	droppedByQueue
	verdicts
)

// trialClock measures the time since the first frame of a trial. Both lanes use the same clock.
type trialClock struct {
	started bool
	signed  bool
	trial   uint16
	start   int64
}

// elapsed returns the time in ns since the first frame of f's trial. A frame without a signature
// belongs to the current trial.
func (c *trialClock) elapsed(at int64, f facts) int64 {
	another := f.signed && (!c.signed || c.trial != f.trial)
	if !c.started || another {
		*c = trialClock{started: true, signed: f.signed, trial: f.trial, start: at}
	}
	return max(0, at-c.start)
}

// holdLimit is the time in ns after which a held frame leaves without a next frame. It is shorter
// than the tester's loss timeout.
const holdLimit = int64(20 * time.Millisecond)

// lane decides what happens to the frames of one direction, in the order of their arrival. All
// times are in ns of CLOCK_MONOTONIC.
type lane struct {
	cfg    Config
	number uint64 // number of the direction
	clock  *trialClock
	lost   uint64 // a random number up to this value means a loss; 0: no random loss
	limit  limiter

	count   uint64 // number of frames without a signature
	last    int64  // arrival time of the last frame
	latest  int64  // latest departure time so far
	holding bool   // a frame is held
	heldAt  int64  // arrival time of the held frame
	heldFor int64  // departure time of the held frame without reordering
	tally   tally
}

// tally counts the decisions of a lane.
type tally struct {
	in                         uint64
	verdicts                   [verdicts]uint64
	corrupted, doubled, behind uint64
}

func newLane(c Config, number uint64, clock *trialClock) *lane {
	return &lane{cfg: c, number: number, clock: clock, lost: threshold(c.Loss), limit: newLimiter(c.Rate, c.Queue)}
}

// admit decides what happens to a frame that the kernel received at the time at.
func (l *lane) admit(at int64, f facts) decision {
	at = max(at, l.last)
	l.last = at
	n := l.numberOf(f)
	d := l.pass(at, n, f)
	l.tally.in++
	l.tally.verdicts[d.verdict]++
	if d.verdict != passed {
		return d
	}
	l.alter(&d, n)
	switch {
	case l.holding && !d.corrupt:
		l.holding, d.hold, d.release = false, false, true
	case d.hold:
		l.holding, l.heldAt, l.heldFor = true, at, d.depart
		l.tally.behind++
	}
	return d
}

// numberOf returns the number of a frame, counted from 1. Package relay defines the number.
func (l *lane) numberOf(f facts) uint64 {
	if f.signed {
		return uint64(f.sequence) + 1
	}
	l.count++
	return l.count
}

// pass returns the decision whether frame n passes and at which time it leaves.
func (l *lane) pass(at int64, n uint64, f facts) decision {
	elapsed := l.clock.elapsed(at, f)
	switch {
	case l.cfg.Outage.holds(elapsed):
		return decision{verdict: droppedByOutage}
	case l.cfg.Drop.hits(n):
		return decision{verdict: droppedByPattern}
	case l.lost > 0 && l.chance(drawLoss, n) <= l.lost:
		return decision{verdict: droppedByChance}
	}
	leaves, ok := l.limit.admit(at, f.length)
	if !ok {
		return decision{verdict: droppedByQueue}
	}
	leaves += int64(l.cfg.Delay)
	if l.cfg.Jitter > 0 {
		leaves += int64(l.chance(drawJitter, n) % uint64(l.cfg.Jitter+1))
	}
	if l.cfg.Spike.Every.hits(n) {
		leaves += int64(l.cfg.Spike.Length)
	}
	l.latest = max(l.latest, leaves)
	return decision{depart: l.latest, copies: 1}
}

// alter adds the first of corrupt, dup and reorder whose pattern matches frame n to the decision.
func (l *lane) alter(d *decision, n uint64) {
	switch {
	case l.cfg.Corrupt.hits(n):
		d.corrupt = true
		l.tally.corrupted++
	case l.cfg.Dup.hits(n):
		d.copies = 2
		l.tally.doubled++
	case l.cfg.Reorder.hits(n):
		d.hold = true
	}
}

// expire returns the departure time of the held frame. ok is false if no frame is held, or if the
// frame has been held for less than holdLimit.
func (l *lane) expire(now int64) (depart int64, ok bool) {
	if !l.holding || now < l.heldAt+holdLimit {
		return 0, false
	}
	l.holding = false
	return max(l.heldFor, l.latest), true
}

// The purposes of random numbers.
const (
	drawLoss = iota + 1
	drawJitter
)

// chance returns a pseudorandom number for the purpose draw and frame n. It hashes the seed, the
// direction, the purpose and the frame number with the finalizer of SplitMix64.
func (l *lane) chance(draw, n uint64) uint64 {
	return splitmix.Mix(splitmix.Mix(l.cfg.Seed+splitmix.Golden*(2*draw+l.number)) + splitmix.Golden*n)
}
