package relay

import (
	"time"

	"github.com/tunnelbench/tunnelbench/internal/splitmix"
)

// facts are the fields of a frame that a lane uses.
type facts struct {
	octets   int // with FCS
	signed   bool
	trial    uint16 // of the signature, when signed
	sequence uint32
}

// decision is what becomes of a frame.
type decision struct {
	verdict verdict
	depart  int64 // when it leaves, ns
	copies  int   // how often
	corrupt bool
	hold    bool // until the next whole frame
	release bool // what is held leaves right behind this one
}

// verdict says whether a frame passes, or why it does not.
type verdict int

const (
	passed verdict = iota
	droppedByOutage
	droppedByPattern
	droppedByChance
	droppedByQueue
	verdicts
)

// trialClock measures how long a trial has run. Both lanes share it.
type trialClock struct {
	started bool
	signed  bool
	trial   uint16
	start   int64
}

// elapsed is the time since the first frame of f's trial. Frames without a
// signature belong to whatever runs.
func (c *trialClock) elapsed(at int64, f facts) int64 {
	another := f.signed && (!c.signed || c.trial != f.trial)
	if !c.started || another {
		*c = trialClock{started: true, signed: f.signed, trial: f.trial, start: at}
	}
	return max(0, at-c.start)
}

// holdLimit is how long a held frame waits for the one it is to follow: less
// than what makes it late.
const holdLimit = int64(20 * time.Millisecond)

// lane decides on the frames of one direction, in the order they come in. Times
// are nanoseconds of one clock.
type lane struct {
	cfg    Config
	number uint64 // of the direction
	clock  *trialClock
	lost   uint64 // chance below it is a loss
	limit  limiter

	count   uint64 // of frames without signature
	last    int64  // arrival
	latest  int64  // departure
	holding bool
	heldAt  int64
	heldFor int64 // the held frame's own departure
	tally   tally
}

// tally counts what a lane has decided.
type tally struct {
	in                         uint64
	verdicts                   [verdicts]uint64
	corrupted, doubled, behind uint64
}

func newLane(c Config, number uint64, clock *trialClock) *lane {
	return &lane{cfg: c, number: number, clock: clock, lost: threshold(c.Loss), limit: newLimiter(c.Rate, c.Queue)}
}

// admit decides on a frame that the kernel received at at.
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

// numberOf counts from 1.
func (l *lane) numberOf(f facts) uint64 {
	if f.signed {
		return uint64(f.sequence) + 1
	}
	l.count++
	return l.count
}

// pass says whether a frame passes, and when.
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
	leaves, ok := l.limit.admit(at, f.octets)
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

// alter applies the first effect whose pattern matches the frame.
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

// expire returns the departure time of a held frame if no other frame came to overtake it.
func (l *lane) expire(now int64) (depart int64, ok bool) {
	if !l.holding || now < l.heldAt+holdLimit {
		return 0, false
	}
	l.holding = false
	return max(l.heldFor, l.latest), true
}

// What is drawn by chance.
const (
	drawLoss = iota + 1
	drawJitter
)

// chance is a number that looks random: SplitMix64's finalizer over seed,
// direction, purpose and frame.
func (l *lane) chance(draw, n uint64) uint64 {
	return splitmix.Mix(splitmix.Mix(l.cfg.Seed+splitmix.Golden*(2*draw+l.number)) + splitmix.Golden*n)
}
