package live

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"github.com/tunnelbench/tunnelbench/fuzz/live/mutate"
	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// simulated is a tunnel without a lab. Its trials take no time, and its fields determine the results.
type simulated struct {
	forwards rfc2544.Rate
	loss     float64 // share of the frames lost under attack
	lasting  float64 // share lost in every trial once the attack began
	leak     int64   // bytes of heap kept for each mutant
	answers  bool    // answers the unknown source
	diesIn   int     // number of the trial in which it dies, from 1; 0: it lives
	invalid  int     // number of the trial that is not valid, from 1; 0: all are
	busyIn   int     // number of the trial after which it gives no reading of its memory; 0: it always does
	stall    int64   // by how many bytes its heap grows while it gives none
	short    bool    // the attacker sends half of the mutants
	closed   bool
	onTrial  func(n int) // called when trial n begins, from 1; nil: nothing

	rate     rfc2544.Rate // of mutants
	trials   int
	attacked bool
	heap     int64
	counted  uint64
}

// openSimulated opens targets by the device's name.
func openSimulated(devices map[string]*simulated) Open {
	return func(_ context.Context, d dut.Device, p Plan) (Target, error) {
		s := devices[d.Spec]
		if s == nil {
			return nil, fmt.Errorf("%s: %w", d.Spec, errors.ErrUnsupported)
		}
		s.rate, s.heap = p.Rate, 4<<20
		return s, nil
	}
}

func (s *simulated) Attacker() Attacker {
	return Attacker{End: "right", Sender: "a simulation", Path: mutate.Path{
		From: []netip.AddrPort{netip.AddrPortFrom(unknownAddr, unknownPort)}, To: netip.MustParseAddr("192.0.2.2"), Ports: []uint16{4754}, MTU: 1500,
		InnerFrom: netip.MustParseAddr("198.18.0.2"), InnerTo: netip.MustParseAddr("198.19.0.2"),
	}}
}

func (s *simulated) ForwardingRate(context.Context, rfc2544.FrameSize) (rfc2544.Rate, error) {
	return s.forwards, nil
}

func (s *simulated) Trial(_ context.Context, p TrialPlan) (seen Seen, err error) {
	s.trials++
	if s.onTrial != nil {
		s.onTrial(s.trials)
	}
	s.attacked = s.attacked || p.Attacked
	o := &seen.Flow
	o.Duration, o.Valid, o.Warnings = p.Duration, s.trials != s.invalid, []string{}
	o.Offered = p.Load.Frames(p.Duration)
	if p.Attacked {
		s.sendMutants(&seen, p.Duration)
		o.Lost = uint64(s.loss * float64(o.Offered))
	}
	if s.attacked {
		o.Lost = max(o.Lost, uint64(s.lasting*float64(o.Offered)))
	}
	if s.trials == s.diesIn {
		return seen, fmt.Errorf("%w: %w", lab.ErrDied, errors.New("the right side ended: exit status 2: panic: index out of range\ngoroutine 7 [running]"))
	}
	return seen, nil
}

// sendMutants sends mutants of 100 bytes, all from the unknown source.
func (s *simulated) sendMutants(seen *Seen, d time.Duration) {
	n := s.rate.Frames(d)
	if s.short {
		n /= 2
	}
	all := Traffic{Frames: n, Bytes: 100 * n}
	seen.Mutants = Sent{All: all, Unknown: all, Used: n}
	s.heap += s.leak * int64(n)
	s.counted += n
	if s.answers {
		seen.Answers = Traffic{Frames: n, Bytes: 60 * n}
	}
}

func (s *simulated) Memory() (MemoryReading, error) {
	if s.trials == s.busyIn && s.busyIn > 0 {
		s.heap += s.stall
		return MemoryReading{}, fmt.Errorf("vitals: %w", os.ErrDeadlineExceeded)
	}
	return MemoryReading{What: HeapMemory, Bytes: s.heap, Counters: map[string]map[string]uint64{"right": {"dropped": s.counted}}}, nil
}

func (s *simulated) Close() error {
	s.closed = true
	return nil
}

// simulatedPlan has trials of 250 ms, a quiet one, three pairs and a quiet one.
func simulatedPlan() Plan {
	return Plan{
		Senders: []Sender{Unknown}, Kind: mutate.Reference, Seed: 7, Rate: 10e3, Size: 64, Share: 0.5, Duration: 2 * time.Second,
	}
}
