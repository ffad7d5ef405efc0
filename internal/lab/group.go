package lab

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/closers"
	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Group is several set-ups that are up at once. One tester feeds them in turns, so that what is
// compared is measured within tens of milliseconds of each other:
//
//	tester ──► set-up A │ B │ B │ A │ A ...     one loop, turns of some slices
type Group struct {
	Setups  []*Setup
	lab     *Lab
	engine  turnsEngine
	closers closers.Stack
}

// turnsEngine is an engine that measures several set-ups in turns.
type turnsEngine interface {
	engine
	RunTurns(ctx context.Context, plans []loadgen.Plan, t loadgen.Turns) ([]loadgen.Ledger, error)
}

// MemberError is an error of one device of a group.
type MemberError struct {
	Index int
	Err   error
}

func (e MemberError) Error() string { return e.Err.Error() }
func (e MemberError) Unwrap() error { return e.Err }

func (g *Group) fault(i int, err error) error {
	return MemberError{i, fmt.Errorf("%s: %w", g.Setups[i].device.Spec, err)}
}

// lane is the engine of one set-up of a group.
type lane struct {
	turnsEngine
	number int
}

// Run runs a trial of this set-up alone.
func (l lane) Run(ctx context.Context, p loadgen.Plan) (loadgen.Ledger, error) {
	p.Lane = l.number
	return l.turnsEngine.Run(ctx, p)
}

// Close does nothing: the group closes the engine.
func (l lane) Close() error { return nil }

// Group brings several devices up side by side. Only the xdp engine takes turns; with another one
// the error wraps errors.ErrUnsupported.
func (l *Lab) Group(ctx context.Context, devices []dut.Device, s Settings, largest rfc2544.FrameSize) (*Group, error) {
	g := &Group{lab: l}
	if err := g.open(ctx, devices, s.For(largest), largest); err != nil {
		return nil, errors.Join(err, g.Close())
	}
	return g, nil
}

func (g *Group) open(ctx context.Context, devices []dut.Device, s Settings, largest rfc2544.FrameSize) error {
	if s.Engine == EngineAFPacket || len(devices) > loadgen.MaxLanes {
		return fmt.Errorf("%w: up to %d devices take turns, and only with the engine xdp", errors.ErrUnsupported, loadgen.MaxLanes)
	}
	s.Engine = EngineXDP
	for i, d := range devices {
		b := g.lab.newSetup(d, s)
		g.Setups = append(g.Setups, b)
		g.closers.Push(b.Close)
		err := d.ProbeFrames(ctx)
		if err == nil {
			_, err = b.upFor(ctx, largest)
		}
		if err != nil {
			return g.fault(i, err)
		}
		if b.Spins() {
			return g.fault(i, fmt.Errorf("%w: it keeps a core busy with nothing to do, so nothing else can be up beside it", errors.ErrUnsupported))
		}
	}
	if err := g.openEngine(largest); err != nil {
		return err
	}
	for i, b := range g.Setups {
		b.engine = lane{g.engine, i}
		if err := b.waitReachable(ctx, time.Now().Add(b.device.UpTimeout())); err != nil {
			return g.fault(i, err)
		}
	}
	return nil
}

// openEngine opens one tester on the ports of all set-ups.
func (g *Group) openEngine(largest rfc2544.FrameSize) error {
	cfg, err := g.Setups[0].engineConfig(largest)
	if err != nil {
		return err
	}
	for _, b := range g.Setups[1:] {
		other, err := b.engineConfig(largest)
		if err != nil {
			return err
		}
		cfg.More = append(cfg.More, other.Ports)
		cfg.OwnNetworks = append(cfg.OwnNetworks, other.OwnNetworks...)
	}
	e, err := newEngine(EngineXDP, cfg)
	if err != nil {
		return err
	}
	g.closers.Push(e.Close)
	turns, ok := e.(turnsEngine)
	if !ok {
		return fmt.Errorf("%w: this engine takes no turns", errors.ErrUnsupported)
	}
	g.engine = turns
	return nil
}

// Close takes the devices down.
func (g *Group) Close() error { return g.closers.Close() }

// Turned is what a set-up showed in its turns of a trial.
type Turned struct {
	Died         error  // not nil: the device died before or meanwhile, and its turns say nothing
	Turns        []Turn // in the order of measuring
	LatencyQuiet *rfc2544.Distribution
	Disturbed    rfc2544.Reasons
	OneWay       bool // see loadgen.Ledger
}

// Turn is one turn of a set-up.
type Turn struct {
	Number         int  // over all set-ups, counted from 1
	Clean          bool // nothing disturbed it
	Sending        time.Duration
	Sent, Received uint64
	Latency        time.Duration // mean
	CPU            float64       // ns per received frame, minus the bare wire's; 0 if it was not measured
}

// Rate returns the frames received per second in which frames might be sent. In a closed loop
// without loss this is the rate that the device sustains.
func (t Turn) Rate() float64 {
	if t.Sending <= 0 {
		return 0
	}
	return float64(t.Received) / t.Sending.Seconds()
}

// MeasureTurns measures every set-up of the group in one trial, in turns, which give its duration.
func (g *Group) MeasureTurns(ctx context.Context, t rfc2544.Trial, turns loadgen.Turns) ([]Turned, error) {
	t.Duration = turns.Length() * time.Duration(turns.Count(len(g.Setups)))
	var plans []loadgen.Plan
	for i, b := range g.Setups {
		p := b.Plan(t)
		p.Lane = i
		plans = append(plans, p)
	}
	ledgers, err := g.engine.RunTurns(ctx, plans, turns)
	if err != nil {
		return nil, err
	}
	var all []Turned
	for i, b := range g.Setups {
		t := b.turned(ledgers[i], plans[i], turns.Of(i, len(g.Setups)))
		if err := b.whole(); errors.Is(err, ErrDied) {
			t.Died = fmt.Errorf("%s: %w", b.device.Spec, err)
		} else if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, nil
}

// turned cuts the ledger of a set-up into its turns. A turn that the sender missed is there and is not clean.
func (s *Setup) turned(ledger loadgen.Ledger, p loadgen.Plan, numbers []int) Turned {
	d := findDisturbances(ledger)
	out := Turned{LatencyQuiet: ledger.LatencyQuiet, Disturbed: d.reasons, OneWay: ledger.OneWay()}
	works := make([]work, len(numbers))
	latencies, came := make([]time.Duration, len(numbers)), make([]uint64, len(numbers))
	for _, number := range numbers {
		out.Turns = append(out.Turns, Turn{Number: number})
	}
	for i, slice := range ledger.Slices {
		k, ok := slices.BinarySearch(numbers, slice.Turn)
		if !ok {
			continue
		}
		t := &out.Turns[k]
		t.Clean = (t.Clean || t.Sending == 0) && !d.disturbed[i]
		t.Sending += slice.Sending
		latencies[k] += slice.Latency
		came[k] += slice.Received + slice.Late
		works[k].add(s.lab.sliceWork(ledger, i))
	}
	charge := s.turnCharge(p)
	for k := range out.Turns {
		t := &out.Turns[k]
		t.Sent, t.Received, t.CPU = works[k].sent, works[k].received, charge(works[k])
		if came[k] > 0 {
			t.Latency = latencies[k] / time.Duration(came[k])
		}
	}
	return out
}

// turnCharge returns a function for the CPU time per frame of a turn in ns; 0 if it cannot be told.
// The CPU time of a wan link's processes is not known turn by turn.
func (s *Setup) turnCharge(p loadgen.Plan) func(work) float64 {
	wire := s.lab.wires[s.wireKey(p.Size)]
	unknown := wire == nil || !s.chargeable() || s.wan.HasProcesses()
	if !unknown {
		_, known := wire.wireWork[p.BatchSize()]
		unknown = !known
	}
	return func(w work) float64 {
		if unknown || w.received == 0 {
			return 0
		}
		return w.cost(wire, p.BatchSize()) / float64(w.received)
	}
}
