package lab

import (
	"context"
	"net/netip"
	"time"

	"github.com/tunnelbench/tunnelbench/fuzz/live/mutate"
	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/reports"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// sender makes mutants and puts them onto the link, in the kernel's loop, or, with
// the engine of sockets, from a thread on the device's core.
type sender struct {
	mutants *mutate.Stream
	buffer  []byte
	rate    rfc2544.Rate
	strange []bool // which of the senders, by turns, is the stranger
	loader  MutantLoader
	socket  *wanSocket
	cpus    []int

	lengths []uint16 // of what is loaded
	frames  [][]byte // the same, for the socket
	first   uint64   // number of the first that is loaded
}

// sent is what came onto the link in a trial.
type sent struct {
	all, strange reports.Traffic
	repeats      uint64
	numbers      uint64 // of the stream that are used up
}

func newSender(m *mutate.Stream, path mutate.Path, rate rfc2544.Rate, stranger netip.Addr) sender {
	s := sender{mutants: m, rate: rate, buffer: make([]byte, 0, path.MTU+ethernetLen)}
	for _, from := range path.From {
		s.strange = append(s.strange, from.Addr() == stranger)
	}
	return s
}

// needs is how many mutants a trial of that length sends at most.
func (s *sender) needs(d time.Duration) int {
	const grace = 50 * time.Millisecond
	return int(s.rate.Frames(d+grace)) + 1
}

// load makes the mutants of a trial, from number first on.
func (s *sender) load(first uint64, d time.Duration) error {
	s.first, s.lengths, s.frames = first, s.lengths[:0], s.frames[:0]
	s.mutants.Seek(first)
	n := s.needs(d)
	if s.loader == nil {
		for range n {
			s.frames = append(s.frames, append([]byte(nil), s.next()...))
		}
		return nil
	}
	_, err := s.loader.LoadMutants(n, s.next)
	return err
}

func (s *sender) next() []byte {
	frame := s.mutants.Next(s.buffer)
	s.lengths = append(s.lengths, uint16(len(frame)))
	return frame
}

// attack runs a trial with the mutants beside it.
func (s *sender) attack(ctx context.Context, b *Setup, p loadgen.Plan) (Run, sent, error) {
	if s.loader == nil {
		return s.fromSocket(ctx, b, p)
	}
	p.Attack = s.rate
	r, err := b.Execute(ctx, p)
	return r, s.account(r.Ledger.Attack.Sent+r.Ledger.Attack.Refused, r.Ledger.Attack.Repeats), err
}

// account says what the first n of the loaded mutants were; when there were fewer
// they began again.
func (s *sender) account(n, repeats uint64) (out sent) {
	out.repeats, out.numbers = repeats, min(n, uint64(len(s.lengths)))
	if len(s.lengths) == 0 {
		return out
	}
	for i := range n {
		at := i % uint64(len(s.lengths))
		octets := uint64(s.lengths[at])
		out.all.Frames, out.all.Octets = out.all.Frames+1, out.all.Octets+octets
		if s.strange[(s.first+at)%uint64(len(s.strange))] {
			out.strange.Frames, out.strange.Octets = out.strange.Frames+1, out.strange.Octets+octets
		}
	}
	return out
}

// fromSocket has a thread send while the trial runs.
func (s *sender) fromSocket(ctx context.Context, b *Setup, p loadgen.Plan) (Run, sent, error) {
	during, stop := context.WithCancel(ctx)
	type result struct {
		n   uint64
		err error
	}
	ended := make(chan result, 1)
	go func() {
		n, err := s.socket.routineSend(during, s.frames, s.rate, p.Duration, s.cpus)
		ended <- result{n, err}
	}()
	r, err := b.Execute(ctx, p)
	stop()
	attacked := <-ended
	if err == nil {
		err = attacked.err
	}
	return r, s.account(attacked.n, 0), err
}
