package lab

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/counters"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Setup is one device under test with the tester at both its ends, ready to
// be measured: an rfc2544.Measurer.
type Setup struct {
	lab      *Lab
	device   dut.Device
	settings Settings
	net      *netns.Net
	session  *dut.Session
	link     dut.WAN      // what was asked for of the wan link
	wan      *dut.Session // what the wan link is made of; empty for a plain link
	engine   engine
	mtu      int
	watch    *counters.Watch // for drop reasons; nil: nobody asked, or the kernel does not say
	closers  []func() error
}

// ErrDied is what a measurement's error wraps when the device itself ended.
var ErrDied = errors.New("the device under test died")

// DownError is a device that did not come up, through no fault of the lab's.
type DownError struct{ Err error }

func (e DownError) Error() string { return e.Err.Error() }

func (e DownError) Unwrap() error { return e.Err }

// DeviceFailed reports whether err is a device's that did not come up or that died, and not
// the lab's own.
func DeviceFailed(err error) bool {
	var down DownError
	return errors.Is(err, ErrDied) || errors.As(err, &down)
}

// Setup builds the network, brings the device up and sees a packet through it
// in both directions. The largest frame it will carry is given, so that no
// MTU is in its way.
func (l *Lab) Setup(ctx context.Context, d dut.Device, s Settings, largest rfc2544.FrameSize) (*Setup, error) {
	return l.SetupWith(ctx, d, s, largest, nil)
}

// SetupWith is Setup with something to do when the device is up and before the tester is:
// prepare may look at the set-up and add to what the engine is opened with.
func (l *Lab) SetupWith(ctx context.Context, d dut.Device, s Settings, largest rfc2544.FrameSize, prepare func(*Setup, *loadgen.EngineConfig) error) (*Setup, error) {
	if err := d.Probe(ctx); err != nil {
		return nil, fmt.Errorf("%s: %w", d.Spec, err)
	}
	b := l.newSetup(d, s.For(largest))
	if err := b.open(ctx, largest, prepare); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", d.Spec, err), b.Close())
	}
	return b, nil
}

func (l *Lab) newSetup(d dut.Device, s Settings) *Setup {
	return &Setup{lab: l, device: d, settings: s, session: &dut.Session{}, wan: &dut.Session{}}
}

// WithoutTester builds the network and brings the device up, and puts no tester to its ends:
// the caller does, in the device's network as it is given, and sees to it that something is through
// by the deadline.
func (l *Lab) WithoutTester(ctx context.Context, d dut.Device, s Settings, mtu int) (b *Setup, deadline time.Time, err error) {
	b = l.newSetup(d, s.Resolved())
	if deadline, err = b.up(ctx, mtu); err != nil {
		return nil, deadline, errors.Join(err, b.Close())
	}
	return b, deadline, nil
}

func (b *Setup) open(ctx context.Context, largest rfc2544.FrameSize, prepare func(*Setup, *loadgen.EngineConfig) error) error {
	deadline, err := b.up(ctx, max(largest.IP(), netns.DefaultLANMTU))
	if err != nil {
		return err
	}
	cfg, err := b.engineConfig(largest)
	if err == nil && prepare != nil {
		err = prepare(b, &cfg)
	}
	if err != nil {
		return err
	}
	if err := b.openEngine(ctx, cfg); err != nil {
		return err
	}
	if err := b.openWatch(); err != nil {
		return err
	}
	return b.waitReachable(ctx, deadline)
}

// up builds the network and brings the device up in it; by the deadline a packet
// has to be through.
func (b *Setup) up(ctx context.Context, mtu int) (deadline time.Time, err error) {
	plan := netns.Plan{LANMTU: mtu, PlainWAN: b.settings.PlainWAN}
	if !b.lab.Shared() {
		plan.RPS = b.lab.cpus.DUT
	}
	network, err := b.network(plan)
	if err != nil {
		return deadline, err
	}
	if b.net, err = netns.Build(ctx, network, netns.Options{Keep: b.lab.cfg.Keep}); err != nil {
		return deadline, err
	}
	b.closers = append(b.closers, b.net.Close)
	b.mtu = mtu
	if err := b.impairWAN(ctx); err != nil {
		return deadline, err
	}
	deadline = time.Now().Add(dut.UpTimeout)
	b.closers = append(b.closers, func() error { return b.session.Close() })
	return deadline, b.bringUp(ctx)
}

// bringUp starts the device in the network that is there.
func (b *Setup) bringUp(ctx context.Context) error {
	b.session = &dut.Session{}
	if b.device.Up == nil {
		return nil
	}
	session, err := b.device.Up(ctx, dut.Env{
		Net: b.net, CPUs: b.deviceCPUs(), MTU: b.mtu, IPv6: b.settings.IPv6, Run: b.lab.run, Dir: b.lab.dir, Build: b.device.Build, Params: b.device.Values,
	})
	if err != nil {
		return DownError{err}
	}
	b.session = session
	return nil
}

// dutCores are the device's cores that are not the tester's as well.
func (l *Lab) dutCores() []int {
	if l.Shared() {
		return nil
	}
	return l.cpus.DUT
}

// waitReachable sends a few frames each way until some arrive.
func (b *Setup) waitReachable(ctx context.Context, deadline time.Time) error {
	probe := b.Plan(rfc2544.Trial{Size: b.settings.minFrame(), Load: 1000, Duration: 5 * time.Millisecond})
	probe.Window = max(200*time.Millisecond, b.settings.LossTimeout)
	probe.LossTimeout = time.Second
	for _, direction := range []string{rfc2544.Forward, rfc2544.Reverse} {
		probe = b.towards(probe, direction)
		for {
			ledger, err := b.engine.Run(ctx, probe)
			if err != nil {
				return err
			}
			if ledger.Streams[0].Received > 0 {
				break
			}
			if err := b.Alive(); err != nil {
				return DownError{err}
			}
			if time.Now().After(deadline) {
				return DownError{fmt.Errorf("no packet came through within %v of its start%s", dut.UpTimeout, b.session.Complaint())}
			}
		}
	}
	return nil
}

// Close takes everything down, the device first.
func (b *Setup) Close() error {
	var errs []error
	for i := len(b.closers) - 1; i >= 0; i-- {
		errs = append(errs, b.closers[i]())
	}
	b.closers = nil
	return errors.Join(errs...)
}

// openWatch begins to watch for drop reasons, where they were asked for and the kernel gives them.
func (b *Setup) openWatch() error {
	if !b.settings.Reasons {
		return nil
	}
	w, err := counters.NewWatch(b.net)
	if errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	if err != nil {
		return err
	}
	b.watch = w
	b.closers = append(b.closers, w.Close)
	return nil
}
