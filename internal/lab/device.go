package lab

import (
	"context"

	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/dut"
)

// Device is what the set-up measures.
func (b *Setup) Device() dut.Device { return b.device }

// Settings are what the set-up is measured with; their engine is the one that measures.
func (b *Setup) Settings() Settings { return b.settings }

// MutantLoader is an engine that sends mutants in its own loop.
type MutantLoader interface {
	LoadMutants(n int, next func() []byte) (loaded int, err error)
}

// MutantLoader is the set-up's engine, where it is one.
func (b *Setup) MutantLoader() (MutantLoader, bool) {
	m, ok := b.engine.(MutantLoader)
	return m, ok
}

// CPUs are the cores that the device has.
func (b *Setup) CPUs() []int { return b.lab.cpus.DUT }

// WANRate is what the wan link carries in bit/s, of frames of that length; not ok where
// nothing limits it.
func (b *Setup) WANRate(frame int) (bits float64, ok bool) { return b.link.Rate(frame) }

// Net is the network that the device is in.
func (b *Setup) Net() *netns.Net { return b.net }

// Defer has Close undo something more, before all that came earlier.
func (b *Setup) Defer(undo func() error) { b.closers = append(b.closers, undo) }

// Spins reports whether the device or its wan link keeps a core busy with nothing to do,
// so that its CPU time says nothing.
func (b *Setup) Spins() bool { return b.session.Spins() || b.wan.Spins() }

// HasProcesses reports whether the device runs as processes of its own.
func (b *Setup) HasProcesses() bool { return b.session.HasProcesses() }

// ReportsVitals reports whether the device's processes report what they allocate.
func (b *Setup) ReportsVitals() bool { return b.session.TellsVitals(b.lab.dir) }

// Vitals are what the device's processes report of themselves, by side.
func (b *Setup) Vitals() (map[string]dut.Vitals, error) { return b.session.Vitals(b.lab.dir) }

// Memory is the resident memory of the device's processes, in bytes.
func (b *Setup) Memory() (int64, error) { return b.session.ResidentMemory() }

// StderrTail is the end of what the device wrote to stderr, behind a colon; empty when there
// is nothing.
func (b *Setup) StderrTail() string { return b.session.Complaint() }

// UntilDeath is a context that ends when the device does; release it afterwards.
func (b *Setup) UntilDeath(ctx context.Context) (alive context.Context, release context.CancelFunc) {
	return b.session.UntilEnd(ctx)
}
