package live

import (
	"context"
	"net/netip"
	"time"

	"github.com/tunnelbench/tunnelbench/fuzz/live/mutate"
	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// mutantLoader is an engine that sends mutated frames from its own send loop.
type mutantLoader interface {
	LoadMutants(n int, next func() []byte) (loaded int, err error)
}

// sender generates mutants and sends them onto the link. With the kernel engine they are sent inside
// the engine's loop. With the socket engine a thread on the device's core sends them.
type sender struct {
	mutants *mutate.Stream
	buffer  []byte
	rate    rfc2544.Rate
	unknown []bool       // which of the senders, in turn, is the unknown source
	loader  mutantLoader // nil: socket sends
	socket  *wanSocket

	lengths []uint16 // of the loaded mutants
	frames  [][]byte // the loaded mutants, for the socket
	first   uint64   // number of the first loaded one
}

func newSender(p Plan, path mutate.Path, unknown netip.Addr) *sender {
	s := &sender{mutants: p.mutants(path), rate: p.Rate, buffer: make([]byte, 0, path.MTU+ethernetLen)}
	for _, from := range path.From {
		s.unknown = append(s.unknown, from.Addr() == unknown)
	}
	return s
}

// maxMutants returns how many mutants a trial of length d sends at most.
func maxMutants(rate rfc2544.Rate, d time.Duration) int {
	const grace = 50 * time.Millisecond
	return int(rate.Frames(d+grace)) + 1
}

// load makes the mutants of a trial, from number first on.
func (s *sender) load(first uint64, d time.Duration) error {
	s.first, s.lengths, s.frames = first, s.lengths[:0], s.frames[:0]
	s.mutants.Seek(first)
	n := maxMutants(s.rate, d)
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

// attack runs a trial with the loaded mutants beside it.
func (s *sender) attack(ctx context.Context, setup *lab.Setup, p loadgen.Plan) (lab.Run, Sent, error) {
	if s.loader == nil {
		return s.fromSocket(ctx, setup, p)
	}
	p.Attack = s.rate
	r, err := setup.Execute(ctx, p)
	return r, s.account(r.Ledger.Attack.Sent+r.Ledger.Attack.Refused, r.Ledger.Attack.Repeats), err
}

// account sums up the first n mutants sent. After the last loaded mutant the first is sent again.
func (s *sender) account(n, repeats uint64) (out Sent) {
	out.Repeats, out.Used = repeats, min(n, uint64(len(s.lengths)))
	if len(s.lengths) == 0 {
		return out
	}
	for i := range n {
		at := i % uint64(len(s.lengths))
		one := Traffic{Frames: 1, Bytes: uint64(s.lengths[at])}
		out.All = out.All.plus(one)
		if s.unknown[(s.first+at)%uint64(len(s.unknown))] {
			out.Unknown = out.Unknown.plus(one)
		}
	}
	return out
}

// fromSocket sends from a thread of its own while the trial runs.
func (s *sender) fromSocket(ctx context.Context, setup *lab.Setup, p loadgen.Plan) (lab.Run, Sent, error) {
	during, stop := context.WithCancel(ctx)
	type result struct {
		n   uint64
		cpu time.Duration
		err error
	}
	ended := make(chan result, 1)
	go func() {
		n, cpu, err := s.socket.routineSend(during, s.frames, s.rate, p.Duration)
		ended <- result{n, cpu, err}
	}()
	r, err := setup.Execute(ctx, p)
	stop()
	attacked := <-ended
	r.Beside = attacked.cpu
	if err == nil {
		err = attacked.err
	}
	return r, s.account(attacked.n, 0), err
}
