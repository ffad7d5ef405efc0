package trace

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/trace/stacks"
	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/waterfall"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Plan says what is traced.
type Plan struct {
	Device dut.Device
	rfc2544.Trial
	Settings lab.Settings
	Every    int  // one frame in so many is followed, a power of two; 0: as many as there is room for
	Capture  bool // note the first octets of each packet
	Stacks   bool // sample the call stacks of the device's cores
	Rounds   int  // of trials with and without tracing, which tell its cost; 0: none

	without []string // tracepoints to do without
}

const (
	mostOctets = 640 << 20 // of the kernel's memory
	mostEvents = 1 << 22   // of a trace that chooses by itself
	leastRoom  = 1 << 16
	perFrame   = 12 // events of a frame in most devices
)

// chosen returns which frames are followed: one in so many.
func (p Plan) chosen() (every int) {
	if p.Every > 0 {
		return p.Every
	}
	for every = 1; p.frames()*perFrame/float64(every) > min(mostEvents, p.mostRoom()); every *= 2 {
	}
	return every
}

// mostRoom returns for how many events there is memory.
func (p Plan) mostRoom() float64 {
	if p.Capture {
		return float64(mostOctets / (eventLen + snapLen))
	}
	return float64(mostOctets / eventLen)
}

// mostLoad stands for a load without a limit.
const mostLoad = 2e6

// frames returns how many frames the trial sends, at most.
func (p Plan) frames() float64 {
	return min(mostLoad, float64(p.Load)) * p.Duration.Seconds() * float64(len(p.Settings.Directions()))
}

func (p Plan) options(every int) options {
	room := p.frames() * perFrame * 1.2 / float64(every)
	return options{room: int(min(p.mostRoom(), max(leastRoom, room))), snaps: p.Capture, ipv6: p.Settings.IPv6, without: p.without}
}

// Traced is a trace with what a capture is made of.
type Traced struct {
	waterfall.Trace
	Capture Capture
	Invalid rfc2544.Reasons // why the trial is not valid; empty: it is
	Stacks  stacks.Profile  // empty unless the plan asks for it

	sampler *stacks.Recorder // nil: nobody asked for stacks
}

// Run brings the plan's device up, sends its trial through it, and returns where the frames were when. The device stays up
// until the lab is closed. If ctx ends during the trial, Run returns what there is of it, and the error of ctx.
func Run(ctx context.Context, l *lab.Lab, p Plan) (*Traced, error) {
	p.Settings = p.Settings.Resolved()
	s, err := l.SetupWith(ctx, p.Device, p.Settings, p.Size, func(_ *lab.Setup, cfg *loadgen.EngineConfig) error {
		cfg.Chained = true
		return nil
	})
	if err != nil {
		return nil, err
	}
	l.Defer(s.Close)
	out := &Traced{Trace: waterfall.Trace{
		Schema: waterfall.Schema, Device: p.Device.Spec, Size: int(p.Size), Duration: p.Duration.Seconds(), Every: p.chosen(),
		Streams: []waterfall.Stream{}, Threads: []waterfall.Threads{}, Warnings: append([]string{}, l.Doubts()...),
	}}
	if !p.Load.IsFlood() {
		out.Load = float64(p.Load)
	}
	if p.Stacks {
		if out.sampler, err = p.openSampler(s); err != nil {
			return nil, err
		}
	}
	return p.trace(ctx, s, out)
}

// opened attaches a tracer and lets it see some frames of each direction, so that it knows where the signature lies.
func (p Plan) opened(ctx context.Context, s *lab.Setup, o options) (*tracer, error) {
	tester, ok := lab.EngineAs[chainer](s)
	if !ok {
		return nil, fmt.Errorf("%w: only the engine xdp can be traced", errors.ErrUnsupported)
	}
	o.processes = s.Session().HasProcesses()
	t, err := newTracer(s.Net(), tester, o)
	if err != nil {
		return nil, err
	}
	err = t.arm(1)
	if err == nil {
		err = p.warmUp(ctx, s)
	}
	if err := errors.Join(err, t.disarm()); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

// warmUpFrames is how many frames of each direction the warm-up sends.
const warmUpFrames = 100

func (p Plan) warmUp(ctx context.Context, s *lab.Setup) error {
	few := p.Trial
	few.Load, few.Duration, few.Window = 10*warmUpFrames, 100*time.Millisecond, 0
	_, err := s.Execute(ctx, s.Plan(few))
	return err
}

// sealed returns where no signature was found. Frames that are sealed are told by their order, of which none may be missing.
func (p Plan) sealed(ctx context.Context, s *lab.Setup, out *Traced) (t *tracer, sealed map[int]bool, err error) {
	if t, err = p.opened(ctx, s, p.options(out.Every)); err != nil {
		return nil, nil, err
	}
	sealed, err = t.sealedPlaces()
	if err != nil {
		return nil, nil, errors.Join(err, t.Close())
	}
	hides := func(direction string) bool { return len(sealedOn(sealed, t.points, direction).points) > 0 }
	if out.Every == 1 || !slices.ContainsFunc(p.Settings.Directions(), hides) {
		return t, sealed, err
	}
	out.Warnings = append(out.Warnings, "The device seals its packets: every frame is followed, since sealed ones are told by their order.")
	out.Every = 1
	err = t.Close()
	if err == nil {
		t, err = p.opened(ctx, s, p.options(1))
	}
	return t, sealed, err
}

func (p Plan) trace(ctx context.Context, s *lab.Setup, out *Traced) (_ *Traced, err error) {
	t, sealed, err := p.sealed(ctx, s, out)
	if err != nil {
		return nil, err
	}
	if p.Rounds > 0 {
		if err := t.Close(); err != nil {
			return nil, err
		}
		if out.Cost, err = p.cost(ctx, s, out.Every); err != nil {
			return nil, err
		}
		if t, err = p.opened(ctx, s, p.options(out.Every)); err != nil {
			return nil, err
		}
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	if err := errors.Join(watchSides(t, s), t.arm(out.Every)); err != nil {
		return nil, err
	}
	o, r, fault := p.measure(ctx, s, out.sampler)
	if err := t.disarm(); err != nil {
		return nil, errors.Join(fault, err)
	}
	if fault == nil {
		fault = t.whole(s.Net())
	}
	if fault != nil && !r.CutShort {
		if len(r.Ledger.Streams) == 0 || r.Ledger.Streams[0].Offered == 0 {
			return nil, fault
		}
		o = s.Observe(r)
		out.Warnings = append(out.Warnings, "The device did not last: "+fault.Error())
	}
	events, snaps, missed, err := t.events()
	if err != nil {
		return nil, errors.Join(fault, err)
	}
	out.Duration, out.Invalid = o.Duration.Seconds(), o.Invalid
	out.Warnings = append(append(out.Warnings, o.Warnings...), t.doubts(len(events), missed)...)
	for _, why := range o.Invalid {
		out.Warnings = append(out.Warnings, "The trial is not valid: "+rfc2544.Reasons{why}.String())
	}
	j := join(events, t.points)
	out.Capture = Capture{joined: j, events: events, snaps: snaps, places: t.points, directions: p.Settings.Directions(), epoch: t.epoch(), nameOf: t.nameOf}
	p.streams(out, t, sealed, r.Ledger, missed)
	fault = errors.Join(fault, threads(t, out), out.profile(t))
	leaveOut(&out.Trace, t.missing)
	return out, fault
}

// streams adds what the frames of each direction did. So many events were missed.
func (p Plan) streams(out *Traced, t *tracer, sealed map[int]bool, counted loadgen.Ledger, missed int) {
	for i, direction := range p.Settings.Directions() {
		frames := out.Capture.of(direction)
		out.Capture.unseal(frames, sealedOn(sealed, t.points, direction))
		way := pathOf(frames, t.points, direction)
		stream := streamOf(frames, way, first(out.Capture.frames), t.nameOf)
		out.Capture.ways = append(out.Capture.ways, way)
		stream.Direction = direction
		c := counted.Streams[i]
		stream.Offered, stream.Received = c.Offered, c.Received
		if missed == 0 {
			stream.NeverSeen((int(c.Offered) + out.Every - 1) / out.Every)
		}
		if c.Latency != nil {
			stream.Tester = int64(c.Latency.P50)
		}
		out.Streams = append(out.Streams, stream)
	}
}

// of returns the frames of one direction. The tester numbers its streams by the port that they leave.
func (j joined) of(direction string) (frames []*frame) {
	number := uint8(0)
	if direction == rfc2544.Reverse {
		number = 1
	}
	for _, f := range j.frames {
		if f.stream == number {
			frames = append(frames, f)
		}
	}
	return frames
}

// doubts returns what a reader has to know of the events.
func (t *tracer) doubts(events, missed int) (warnings []string) {
	if missed > 0 {
		warnings = append(warnings, fmt.Sprintf("There was no room for %d of %d events: follow fewer frames (--every), or trace for a shorter time.", missed, missed+events))
	}
	if n := t.skipped(); n > 0 {
		warnings = append(warnings, fmt.Sprintf("The kernel left out %d events, since it interrupted the same program: some frames that seem to be lost where they are not arrived.", n))
	}
	return warnings
}
