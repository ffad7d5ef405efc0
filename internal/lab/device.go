package lab

import (
	"context"

	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/dut"
)

// Device returns the device under test.
func (s *Setup) Device() dut.Device { return s.device }

// Settings returns the settings of the set-up; Engine is the engine in use.
func (s *Setup) Settings() Settings { return s.settings }

// EngineAs returns the set-up's engine as T if it can do what T asks for.
func EngineAs[T any](s *Setup) (T, bool) {
	t, ok := s.engine.(T)
	return t, ok
}

// CPUs returns the cores of the device.
func (s *Setup) CPUs() []int { return s.lab.cpus.DUT }

// WANRate returns the rate of the wan link in bit/s for frames of that length; ok is false if the
// rate is not limited.
func (s *Setup) WANRate(frame int) (bits float64, ok bool) { return s.link.Rate(frame) }

// Net returns the network of the device.
func (s *Setup) Net() *netns.Net { return s.net }

// Defer registers a function for Close, which calls the functions in reverse order.
func (s *Setup) Defer(undo func() error) { s.closers.Push(undo) }

// Spins reports whether the device or its wan link polls: it then keeps a core busy without
// traffic, and its CPU time has no meaning.
func (s *Setup) Spins() bool { return s.session.Spins() || s.wan.Spins() }

// Session returns the running device.
func (s *Setup) Session() *dut.Session { return s.session }

// ReportsVitals reports whether the device's processes report their own memory allocations.
func (s *Setup) ReportsVitals() bool { return s.session.ReportsVitals(s.dir) }

// Vitals returns what the device's processes report about themselves, by side.
func (s *Setup) Vitals() (map[string]dut.Vitals, error) { return s.session.Vitals(s.dir) }

// NothingThrough is the error of a device that is up and carries nothing.
func (s *Setup) NothingThrough(what, tried string) error {
	return s.session.NothingThrough(s.device.Tunnel, what, tried)
}

// UntilDeath returns a context that is cancelled when the device ends. Call release afterwards.
func (s *Setup) UntilDeath(ctx context.Context) (alive context.Context, release context.CancelFunc) {
	return s.session.UntilEnd(ctx)
}
