package lab

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/closers"
	"github.com/tunnelbench/tunnelbench/internal/lab/congestion"
	"github.com/tunnelbench/tunnelbench/internal/machine"
	"github.com/tunnelbench/tunnelbench/internal/neighbour"
	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/netns"
)

// Config has the user's choices about the machine.
type Config struct {
	CPUs netns.CPUOverrides
	Wait bool // wait for another lab to end instead of failing
	Keep bool // keep named namespaces, for inspection

	CongestionControl string          // that Settings will ask for; empty: none
	Beside            *neighbour.Plan // what disturbs the lab on purpose while it is open; nil: nothing
}

// Lab is a machine prepared for measurements: locked, with changed sysctls that a guardian
// restores, and with soakers on the device's cores.
type Lab struct {
	cfg      Config
	cpus     netns.CPUPlan
	run      string // unique to this run
	dir      string // holds the set-ups' folders; Close removes it
	setups   int    // so far
	guardian *netns.Guardian
	soakers  []*soaker
	wires    map[wireKey]*Calibration
	fastest  map[int]time.Duration // fastest probe time of each core
	closers  closers.Stack
}

// ErrConfig is wrapped by errors about choices of the user that are not possible.
var ErrConfig = errors.New("bad choice")

// Open prepares the machine. The error wraps errors.ErrUnsupported if this machine cannot be a lab.
func Open(ctx context.Context, cfg Config) (*Lab, error) {
	l := &Lab{cfg: cfg, wires: map[wireKey]*Calibration{}, fastest: map[int]time.Duration{}}
	if err := l.open(ctx); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func (l *Lab) open(ctx context.Context) error {
	if err := netns.CheckRoot(); err != nil {
		return err
	}
	if err := machine.Check(); err != nil {
		return err
	}
	id := make([]byte, 8)
	_, _ = rand.Read(id) // never fails
	l.run = hex.EncodeToString(id)
	lock, err := netns.Lock(ctx, l.cfg.Wait)
	if err != nil {
		return err
	}
	l.closers.Push(lock.Close)
	if l.guardian, err = netns.StartGuardian(lock); err != nil {
		return err
	}
	l.closers.Push(l.guardian.Close)
	if err := l.changeSysctls(); err != nil {
		return err
	}
	if l.dir, err = l.guardian.TempDir("tunnelbench-"); err != nil {
		return err
	}
	if err := l.takeCores(); err != nil || l.cfg.Beside == nil {
		return err
	}
	beside, err := l.cfg.Beside.Start(l.cpus)
	if err != nil {
		return err
	}
	l.closers.Push(beside.Close)
	return nil
}

// changeSysctls changes the sysctls that this kernel has, and lets namespaces use the congestion control.
func (l *Lab) changeSysctls() error {
	for _, s := range machine.Sysctls {
		if _, err := os.Stat("/proc/sys/" + s.Key); errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err := l.guardian.Set(s.Key, s.Value); err != nil {
			return err
		}
	}
	return congestion.Allow(l.cfg.CongestionControl, l.guardian.Set)
}

// takeCores divides the cores between tester and device, pins this process to the tester's cores,
// and starts a soaker on each core of the device.
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
	l.closers.Push(func() error { return sys.PinProcess(allowed) })
	for _, cpu := range l.cpus.DUT {
		s, err := startSoaker(cpu)
		if err != nil {
			return err
		}
		l.soakers = append(l.soakers, s)
		l.closers.Push(s.close)
	}
	l.awaitSoakers()
	return nil
}

// awaitSoakers waits until every soaker runs. A busy program may leave a soaker no time at all;
// devices can be measured all the same, without their CPU time.
func (l *Lab) awaitSoakers() {
	const limit = 5 * time.Second
	start := time.Now()
	for !l.metered() && time.Since(start) < limit {
		time.Sleep(time.Millisecond)
	}
}

// metered reports whether every core of the device has a soaker that runs.
func (l *Lab) metered() bool {
	return !slices.ContainsFunc(l.soakers, func(s *soaker) bool { return !s.running() })
}

// ownProcesses returns the lab's processes: this one, the guardian's and the soakers'.
func (l *Lab) ownProcesses() []int {
	pids := []int{os.Getpid(), l.guardian.PID()}
	for _, s := range l.soakers {
		pids = append(pids, s.cmd.Process.Pid)
	}
	return pids
}

// CPUPlan returns the cores of tester and device.
func (l *Lab) CPUPlan() netns.CPUPlan { return l.cpus }

// Changes returns the machine-wide settings that the lab has changed until Close.
func (l *Lab) Changes() []string { return l.guardian.Changes() }

// Set changes a setting of the machine until Close; key is a path below /proc/sys.
func (l *Lab) Set(key, value string) error { return l.guardian.Set(key, value) }

// Defer registers a function for Close, which calls the functions in reverse order.
func (l *Lab) Defer(undo func() error) { l.closers.Push(undo) }

// Close restores the machine.
func (l *Lab) Close() error { return l.closers.Close() }

// Shared reports whether tester and device share a core; CPU time can then be charged to neither.
func (l *Lab) Shared() bool {
	return slices.ContainsFunc(l.cpus.DUT, func(cpu int) bool { return slices.Contains(l.cpus.Tester, cpu) })
}
