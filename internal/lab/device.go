package lab

import (
	"context"

	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/dut"
)

// Device is what the set-up measures.
func (s *Setup) Device() dut.Device { return s.device }

// Settings are what the set-up is measured with; their engine is the one that measures.
func (s *Setup) Settings() Settings { return s.settings }

// MutantLoader is an engine that sends mutants in its own loop.
type MutantLoader interface {
	LoadMutants(n int, next func() []byte) (loaded int, err error)
}

// MutantLoader is the set-up's engine, where it is one.
func (s *Setup) MutantLoader() (MutantLoader, bool) {
	m, ok := s.engine.(MutantLoader)
	return m, ok
}

// CPUs are the cores that the device has.
func (s *Setup) CPUs() []int { return s.lab.cpus.DUT }

// WANRate is what the wan link carries in bit/s, of frames of that length; not ok where
// nothing limits it.
func (s *Setup) WANRate(frame int) (bits float64, ok bool) { return s.link.Rate(frame) }

// Net is the network that the device is in.
func (s *Setup) Net() *netns.Net { return s.net }

// Defer has Close undo something more, before all that came earlier.
func (s *Setup) Defer(undo func() error) { s.closers = append(s.closers, undo) }

// Spins reports whether the device or its wan link keeps a core busy with nothing to do,
// so that its CPU time says nothing.
func (s *Setup) Spins() bool { return s.session.Spins() || s.wan.Spins() }

// HasProcesses reports whether the device runs as processes of its own.
func (s *Setup) HasProcesses() bool { return s.session.HasProcesses() }

// ReportsVitals reports whether the device's processes report what they allocate.
func (s *Setup) ReportsVitals() bool { return s.session.TellsVitals(s.lab.dir) }

// Vitals are what the device's processes report of themselves, by side.
func (s *Setup) Vitals() (map[string]dut.Vitals, error) { return s.session.Vitals(s.lab.dir) }

// Memory is the resident memory of the device's processes, in bytes.
func (s *Setup) Memory() (int64, error) { return s.session.ResidentMemory() }

// StderrTail is the end of what the device wrote to stderr, behind a colon; empty when there
// is nothing.
func (s *Setup) StderrTail() string { return s.session.Complaint() }

// UntilDeath is a context that ends when the device does; release it afterwards.
func (s *Setup) UntilDeath(ctx context.Context) (alive context.Context, release context.CancelFunc) {
	return s.session.UntilEnd(ctx)
}
