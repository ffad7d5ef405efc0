package lab

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/netns"
)

// Config is what a user may choose about the machine while it is a lab.
type Config struct {
	CPUs netns.CPUOverrides
	Wait bool // for another lab to end, instead of an error
	Keep bool // the namespaces, by name, for people who want to look inside
	// ThrottleBudget is how long a run may wait, in all, for the machine to be as fast
	// as it can be; 0 takes trials as they come.
	ThrottleBudget time.Duration
}

// sysctls are what a lab changes for the whole machine while it is open.
//
// The queue between interfaces and the kernel's receive path is long enough
// that a core that the machine takes away for some milliseconds loses nothing;
// with the default of 1000 loss is a matter of luck.
//
// Automatic scheduling groups give every session an equal share of a core,
// whatever the priority of what runs in it: a soaker would take half of the
// device's core (sched(7), "The autogroup feature").
var sysctls = []struct{ key, value string }{
	{"net/core/netdev_max_backlog", "30000"},
	{"kernel/sched_autogroup_enabled", "0"},
}

// Lab is a machine made ready: locked, its settings changed and guarded, its
// device cores awake and metered.
type Lab struct {
	cfg            Config
	cpus           netns.CPUPlan
	run            string // unique to this run
	dir            string // shared by both sides of a tunnel; gone afterwards
	guardian       *netns.Guardian
	soakers        []*soaker
	wires          map[wireKey]*Calibration
	fastest        map[int]time.Duration // per core, a probe in its quickest moment
	throttleBudget time.Duration         // that is left
	closers        []func() error
}

// ErrConfig is what Open's error wraps when the user chose what cannot be.
var ErrConfig = errors.New("bad choice")

// Open makes the machine ready. The error wraps errors.ErrUnsupported where
// this machine cannot be.
func Open(ctx context.Context, cfg Config) (*Lab, error) {
	l := &Lab{cfg: cfg, wires: map[wireKey]*Calibration{}, fastest: map[int]time.Duration{}, throttleBudget: cfg.ThrottleBudget}
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
	if err := l.changeSysctls(); err != nil {
		return err
	}
	if l.dir, err = l.guardian.TempDir("tunnelbench-"); err != nil {
		return err
	}
	return l.takeCores()
}

// changeSysctls changes those that this kernel has.
func (l *Lab) changeSysctls() error {
	for _, s := range sysctls {
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
