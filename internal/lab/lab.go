package lab

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Config is what a user may choose about the lab itself.
type Config struct {
	CPUs     netns.CPUOverrides
	Wait     bool   // for another lab to end, instead of an error
	Keep     bool   // the namespaces, by name, for people who want to look inside
	PlainWAN bool   // no offloads on the wan link
	Engine   string // EngineAuto, EngineXDP or EngineAFPacket; empty is auto
	// Direction is rfc2544.Forward, Reverse or Both; empty is forward.
	Direction string
	IPv6      bool // inner packets
	Flows     int  // 0 is one
	Networks  int  // that the flows are spread over; 0 is one
	Seed      uint64
	// WAN is what the link between the two ends of a tunnel does to packets, as
	// --wan writes it; empty: nothing.
	WAN string
	// Pcap is a directory for captures of what went wrong in a trial; empty: none.
	Pcap string
	Late time.Duration // a frame later than this is lost; 0 is DefaultLate
	// Reasons asks the kernel why it dropped what it dropped, which costs the
	// device time for each. Where the kernel does not say, nothing comes of it.
	Reasons bool
	// MaxFrames is the longest trial, in frames; 0 is DefaultMaxFrames.
	MaxFrames uint64
	// Patience is how long a run may wait, in all, for the machine to be as fast
	// as it can be; 0 takes trials as they come.
	Patience time.Duration
	// OnTrial, if set, hears of every trial of a device when it is over.
	OnTrial func(device string, trial rfc2544.Trial, seen rfc2544.Observation)
}

// What a Config's zero values stand for.
const (
	DefaultLate      = 50 * time.Millisecond
	DefaultMaxFrames = 1 << 27
)

// settings are what a lab changes for the whole machine while it is open.
//
// The queue between interfaces and the kernel's receive path is long enough
// that a core that the machine takes away for some milliseconds loses nothing;
// with the default of 1000 loss is a matter of luck.
//
// Automatic scheduling groups give every session an equal share of a core,
// whatever the priority of what runs in it: a soaker would take half of the
// device's core (sched(7), "The autogroup feature").
var settings = []struct{ key, value string }{
	{"net/core/netdev_max_backlog", "30000"},
	{"kernel/sched_autogroup_enabled", "0"},
}

// Lab is a machine made ready: locked, its settings changed and guarded, its
// device cores awake and metered.
type Lab struct {
	cfg      Config
	cpus     netns.CPUPlan
	run      string // unique to this run
	dir      string // shared by both sides of a tunnel; gone afterwards
	guardian *netns.Guardian
	soakers  []*soaker
	wires    map[rfc2544.FrameSize]*Calibration
	fastest  map[int]time.Duration // per core, a probe in its quickest moment
	patience time.Duration         // that is left
	closers  []func() error
}

// ErrConfig is what Open's error wraps when the user chose what cannot be.
var ErrConfig = errors.New("bad choice")

// Open makes the machine ready. The error wraps errors.ErrUnsupported where
// this machine cannot be.
func Open(ctx context.Context, cfg Config) (*Lab, error) {
	cfg.Engine = cmp.Or(cfg.Engine, EngineAuto)
	cfg.Direction = cmp.Or(cfg.Direction, rfc2544.Forward)
	cfg.Flows, cfg.Networks = cmp.Or(cfg.Flows, 1), cmp.Or(cfg.Networks, 1)
	if cfg.Late == 0 {
		cfg.Late = DefaultLate
	}
	if cfg.MaxFrames == 0 {
		cfg.MaxFrames = DefaultMaxFrames
	}
	l := &Lab{cfg: cfg, wires: map[rfc2544.FrameSize]*Calibration{}, fastest: map[int]time.Duration{}, patience: cfg.Patience}
	if err := l.open(ctx); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func (l *Lab) open(ctx context.Context) error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("%w: the lab needs root: run it with sudo", errors.ErrUnsupported)
	}
	id := make([]byte, 8)
	_, _ = rand.Read(id) // never fails
	l.run = hex.EncodeToString(id)
	lock, err := netns.Lock(ctx, l.cfg.Wait)
	if err != nil {
		return err
	}
	l.closers = append(l.closers, lock.Close)
	if l.guardian, err = netns.StartGuardian(lock); err != nil {
		return err
	}
	l.closers = append(l.closers, l.guardian.Close)
	if err := l.changeSettings(); err != nil {
		return err
	}
	if l.dir, err = l.guardian.TempDir("tunnelbench-"); err != nil {
		return err
	}
	return l.takeCores()
}

// changeSettings changes those that this kernel has.
func (l *Lab) changeSettings() error {
	for _, s := range settings {
		if _, err := os.Stat("/proc/sys/" + s.key); errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err := l.guardian.Set(s.key, s.value); err != nil {
			return err
		}
	}
	return nil
}

// takeCores divides the cores, keeps the lab itself on the tester's and puts a
// soaker on each of the device's.
func (l *Lab) takeCores() error {
	allowed, err := netns.AllowedCPUs()
	if err != nil {
		return err
	}
	if l.cpus, err = netns.PlanCPUs(allowed, netns.Siblings(allowed), l.cfg.CPUs); err != nil {
		return fmt.Errorf("%w: %w", ErrConfig, err)
	}
	if err := sys.PinProcess(l.cpus.Tester); err != nil {
		return err
	}
	l.closers = append(l.closers, func() error { return sys.PinProcess(allowed) })
	for _, cpu := range l.cpus.DUT {
		s, err := startSoaker(cpu)
		if err != nil {
			return err
		}
		l.soakers = append(l.soakers, s)
		l.closers = append(l.closers, s.close)
	}
	return l.awaitSoakers()
}

// awaitSoakers waits until every soaker runs.
func (l *Lab) awaitSoakers() error {
	const limit = 5 * time.Second
	start := time.Now()
	for _, s := range l.soakers {
		for !s.running() {
			if time.Since(start) > limit {
				return fmt.Errorf("soaker on cpu %d does not run: another program holds the core at real-time priority", s.cpu)
			}
			time.Sleep(time.Millisecond)
		}
	}
	return nil
}

// CPUPlan says which cores are whose.
func (l *Lab) CPUPlan() netns.CPUPlan { return l.cpus }

// Changes names the settings of the whole machine that the lab has changed
// until it is closed.
func (l *Lab) Changes() []string { return l.guardian.Changes() }

// Defer has Close undo something more, before all that came earlier.
func (l *Lab) Defer(undo func() error) { l.closers = append(l.closers, undo) }

// Close undoes everything.
func (l *Lab) Close() error {
	var errs []error
	for i := len(l.closers) - 1; i >= 0; i-- {
		errs = append(errs, l.closers[i]())
	}
	l.closers = nil
	return errors.Join(errs...)
}

// Shared reports whether tester and device have a core in common; then nothing
// can be charged to either.
func (l *Lab) Shared() bool {
	for _, d := range l.cpus.DUT {
		for _, t := range l.cpus.Tester {
			if d == t {
				return true
			}
		}
	}
	return false
}
