package loadgen

import (
	"errors"
	"fmt"
	"time"
)

// Slice is a piece of a trial, SliceTime long.
type Slice struct {
	// Turn is the number of the turn that the slice belongs to, counted from 1 over all set-ups. It is
	// 0 in the turns of other set-ups, and where the sender did not run at all.
	Turn     int
	Sending  time.Duration // the part of the slice in which frames may be sent
	Sent     uint64        // frames
	Received uint64        // of the frames sent in this slice: those that came within the loss timeout
	Late     uint64        // of the frames sent in this slice: those that came after it
	Latency  time.Duration // sum over the frames received and late
	Work     time.Duration // of the tester's core, as Ledger.Work
}

// MeanLatency returns the average latency of the frames sent in the slice; 0 if none came.
func (s Slice) MeanLatency() time.Duration {
	if n := s.Received + s.Late; n > 0 {
		return s.Latency / time.Duration(n)
	}
	return 0
}

// Turns describes how several set-ups take turns in one trial. One loop feeds them, two of them in
// the order A B B A A B B A, so that a machine that becomes slower or faster favours neither.
type Turns struct {
	Slices int           // of a turn
	Quiet  time.Duration // the end of a turn: nothing is sent, frames on their way arrive
	Rounds int           // in a round each set-up has two turns
}

// MaxDrain is the longest time by which a turn becomes longer while frames are still on their way.
const MaxDrain = 200 * time.Millisecond

// Length returns how long a turn is, unless frames are still on their way at its end.
func (t Turns) Length() time.Duration { return time.Duration(t.Slices) * SliceTime }

// Count returns the number of turns of n set-ups.
func (t Turns) Count(n int) int { return 2 * n * t.Rounds }

// Of returns the numbers of the turns, counted from 1, of one of n set-ups.
func (t Turns) Of(lane, n int) (numbers []int) {
	for turn := range t.Count(n) {
		at := turn % (2 * n)
		if at == lane || at == 2*n-1-lane {
			numbers = append(numbers, turn+1)
		}
	}
	return numbers
}

// Validate returns an error about turns or plans that no engine supports. All plans have to agree
// in everything but their set-up.
func (t Turns) Validate(plans []Plan) error {
	switch {
	case len(plans) == 0 || len(plans) > MaxLanes:
		return fmt.Errorf("%d set-ups: from 1 to %d can take turns", len(plans), MaxLanes)
	case t.Slices < 1 || t.Rounds < 1:
		return fmt.Errorf("%d rounds of turns of %d slices: at least 1 of each", t.Rounds, t.Slices)
	case t.Quiet < 0 || t.Quiet >= SliceTime:
		return fmt.Errorf("%v of quiet at the end of a turn: from 0 to less than a slice, %v", t.Quiet, SliceTime)
	}
	for i, p := range plans {
		if err := p.Validate(); err != nil {
			return err
		}
		if first := plans[0]; p.Lane != first.Lane+i || p.Trial != first.Trial || p.IPv6 != first.IPv6 ||
			p.Reverse != first.Reverse || len(p.Streams) != len(first.Streams) || p.Flows != first.Flows {
			return errors.New("turns: the plans differ in more than the set-up")
		}
	}
	return nil
}
