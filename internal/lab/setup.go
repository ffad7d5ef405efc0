package lab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/closers"
	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/counters"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Setup is a test set-up: one device under test with the tester at both ends. It is an
// rfc2544.Measurer.
type Setup struct {
	lab      *Lab
	device   dut.Device
	settings Settings
	net      *netns.Net
	session  *dut.Session
	link     dut.WAN      // parsed Settings.WAN
	wan      *dut.Session // processes of the wan link; empty for a plain link
	engine   engine
	mtu      int
	run, dir string          // unique to this set-up; dir is shared by both sides of a tunnel
	watch    *counters.Watch // of drop reasons; nil: not asked for, or not supported by the kernel
	closers  closers.Stack
}

// ErrDied is wrapped by a measurement's error if the device ended.
var ErrDied = errors.New("the device under test died")

// DownError is the error of a device that did not come up because of its own fault.
type DownError struct{ Err error }

func (e DownError) Error() string { return e.Err.Error() }
func (e DownError) Unwrap() error { return e.Err }

// DeviceFailed reports whether err is a failure of the device (it did not come up, or it died) and
// not of the lab.
func DeviceFailed(err error) bool {
	var down DownError
	return errors.Is(err, ErrDied) || errors.As(err, &down)
}

// Setup builds the network, brings the device up and waits until a packet passes in both
// directions. largest is the largest frame size to carry; the MTUs follow from it.
func (l *Lab) Setup(ctx context.Context, d dut.Device, s Settings, largest rfc2544.FrameSize) (*Setup, error) {
	return l.SetupWith(ctx, d, s, largest, nil)
}

// SetupWith is Setup with a hook: prepare runs after the device is up and before the tester opens.
// It may change the engine's config.
func (l *Lab) SetupWith(ctx context.Context, d dut.Device, s Settings, largest rfc2544.FrameSize, prepare func(*Setup, *loadgen.EngineConfig) error) (*Setup, error) {
	if err := d.ProbeFrames(ctx); err != nil {
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

// WithoutTester builds the network and brings the device up without a tester. The caller connects
// its own programs to the device's ends and checks by the deadline that packets pass.
func (l *Lab) WithoutTester(ctx context.Context, d dut.Device, s Settings, mtu int) (b *Setup, deadline time.Time, err error) {
	b = l.newSetup(d, s.Resolved())
	if deadline, err = b.up(ctx, mtu); err != nil {
		return nil, deadline, errors.Join(err, b.Close())
	}
	return b, deadline, nil
}

func (s *Setup) open(ctx context.Context, largest rfc2544.FrameSize, prepare func(*Setup, *loadgen.EngineConfig) error) error {
	deadline, err := s.upFor(ctx, largest)
	if err != nil {
		return err
	}
	cfg, err := s.engineConfig(largest)
	if err == nil && prepare != nil {
		err = prepare(s, &cfg)
	}
	if err != nil {
		return err
	}
	if err := s.openEngine(ctx, cfg); err != nil {
		return err
	}
	if err := s.openWatch(); err != nil {
		return err
	}
	return s.waitReachable(ctx, deadline)
}

// upFor is up for frames up to the largest.
func (s *Setup) upFor(ctx context.Context, largest rfc2544.FrameSize) (deadline time.Time, err error) {
	return s.up(ctx, max(largest.IP(), netns.DefaultLANMTU))
}

// up builds the network and starts the device in it. It returns the deadline by which a packet has
// to pass.
func (s *Setup) up(ctx context.Context, mtu int) (deadline time.Time, err error) {
	plan := netns.Plan{LANMTU: mtu, PlainWAN: s.settings.PlainWAN}
	if !s.lab.Shared() {
		plan.RPS = s.lab.cpus.DUT
	}
	network, err := s.network(plan)
	if err != nil {
		return deadline, err
	}
	if s.net, err = netns.Build(ctx, network, netns.Options{Keep: s.lab.cfg.Keep}); err != nil {
		return deadline, err
	}
	s.closers.Push(s.net.Close)
	s.mtu = mtu
	if err := s.fitNetwork(ctx); err != nil {
		return deadline, err
	}
	deadline = time.Now().Add(s.device.UpTimeout())
	s.closers.Push(func() error { return errors.Join(s.session.Close(), os.RemoveAll(s.dir)) })
	return deadline, s.bringUp(ctx)
}

// identify gives a bring-up a name and an empty folder of its own: several set-ups may be up at once,
// and a tunnel must not find the files of an earlier one, nor of itself before a reset.
func (s *Setup) identify() error {
	s.lab.setups++
	s.run = fmt.Sprintf("%s%02x", s.lab.run, s.lab.setups)
	old := s.dir
	s.dir = filepath.Join(s.lab.dir, strconv.Itoa(s.lab.setups))
	return errors.Join(os.RemoveAll(old), os.Mkdir(s.dir, 0o755), os.Chmod(s.dir, 0o755)) // whatever the umask
}

// bringUp starts the device in the existing network.
func (s *Setup) bringUp(ctx context.Context) error {
	s.session = &dut.Session{}
	if s.device.Up == nil {
		return nil
	}
	if err := s.identify(); err != nil {
		return err
	}
	session, err := s.device.Up(ctx, dut.Env{
		Net: s.net, CPUs: s.deviceCPUs(), MTU: s.mtu, IPv6: s.settings.IPv6, Run: s.run, Dir: s.dir, Build: s.device.Build, Params: s.device.Values,
	})
	if err != nil {
		return cmp.Or(context.Cause(ctx), error(DownError{err}))
	}
	s.session = session
	return nil
}

// dutCores returns the cores that only the device uses, not the tester.
func (l *Lab) dutCores() []int {
	if l.Shared() {
		return nil
	}
	return l.cpus.DUT
}

// waitReachable sends a few frames in each direction until some arrive.
func (s *Setup) waitReachable(ctx context.Context, deadline time.Time) error {
	probe := s.Plan(rfc2544.Trial{Size: s.settings.minFrame(), Load: 1000, Duration: 5 * time.Millisecond})
	probe.Drain = max(200*time.Millisecond, s.settings.LossTimeout)
	probe.LossTimeout = max(time.Second, s.settings.LossTimeout)
	for _, direction := range []string{rfc2544.Forward, rfc2544.Reverse} {
		probe = s.towards(probe, direction)
		for sent := uint64(0); ; {
			ledger, err := s.engine.Run(ctx, probe)
			if err != nil {
				return err
			}
			if sent += ledger.Streams[0].Offered; ledger.Streams[0].Received > 0 {
				break
			}
			if err := s.Alive(); err != nil {
				return cmp.Or(context.Cause(ctx), error(DownError{err}))
			}
			if time.Now().After(deadline) {
				return DownError{s.NothingThrough("no packet", fmt.Sprintf("%d frames of %d bytes from %v to %v", sent, int(probe.Size), probe.Streams[0].From.IP, probe.Streams[0].To))}
			}
		}
	}
	return nil
}

// Close takes down the set-up, the device first.
func (s *Setup) Close() error { return s.closers.Close() }

// openWatch starts recording drop reasons if the settings ask for them and the kernel supports
// them.
func (s *Setup) openWatch() error {
	if !s.settings.Reasons {
		return nil
	}
	w, err := counters.NewWatch(s.net)
	if errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	if err != nil {
		return err
	}
	s.watch = w
	s.closers.Push(w.Close)
	return nil
}
