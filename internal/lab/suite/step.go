package suite

import (
	"context"
	"reflect"

	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Step is what a run is at.
type Step struct {
	Device string            // empty: no one device
	Test   string            // a name of rfc2544, or Calibration; empty: nothing is left of the device
	Size   rfc2544.FrameSize // 0: the test has its own
}

// Calibration is the Test of a Step before the first device comes up.
const Calibration = "calibration"

// step calls OnStep.
func (p Plan) step(device, test string, size rfc2544.FrameSize) {
	if p.OnStep != nil {
		p.OnStep(Step{device, test, size})
	}
}

// told returns the profile's suite, whose tests call OnStep when they begin.
func (p Plan) told(d dut.Device, size rfc2544.FrameSize) rfc2544.Suite {
	s := *p.Profile.Suite
	s.Tests = nil
	for _, c := range p.Profile.Suite.Tests {
		s.Tests = append(s.Tests, toldTest{c, func() { p.step(d.Spec, nameOf(c), size) }})
	}
	return s
}

// toldTest is a test that tells when it begins.
type toldTest struct {
	rfc2544.Config
	begin func()
}

// RunAt implements rfc2544.Config.
func (t toldTest) RunAt(ctx context.Context, m rfc2544.Resetter, p *rfc2544.Progress) (rfc2544.Outcome, error) {
	t.begin()
	return t.Config.RunAt(ctx, m, p)
}

// nameOf returns the name of the test that a config is of.
func nameOf(c rfc2544.Config) string {
	switch c := c.(type) {
	case rfc2544.ResetConfig:
		return c.Kind.Test()
	case rfc2544.ThroughputConfig:
		if c.Networks > 0 {
			return rfc2544.NameNetworks
		}
	}
	for _, t := range rfc2544.Tests() {
		if reflect.TypeOf(t.Efforts.Full) == reflect.TypeOf(c) {
			return t.Name
		}
	}
	return ""
}
