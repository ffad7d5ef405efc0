package selftest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/control"
	"github.com/tunnelbench/tunnelbench/internal/lab/labtest"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// simulatedLab has simulated devices, and lacks what it is told to.
type simulatedLab struct {
	*labtest.Lab
	lacks    string // an engine, or a device's kind
	settings []lab.Settings
	compared int
}

func (l *simulatedLab) Calibrate(ctx context.Context, s lab.Settings, size rfc2544.FrameSize) (*lab.Calibration, error) {
	if s.Engine == l.lacks {
		return nil, fmt.Errorf("%s: %w", s.Engine, errors.ErrUnsupported)
	}
	return l.Lab.Calibrate(ctx, s, size)
}

func (l *simulatedLab) Setup(ctx context.Context, d dut.Device, s lab.Settings, largest rfc2544.FrameSize) (Setup, error) {
	if d.Name == l.lacks {
		return nil, fmt.Errorf("%s: %w", d.Name, errors.ErrUnsupported)
	}
	l.settings = append(l.settings, s)
	b, err := l.Lab.Setup(ctx, d, s, largest)
	if err != nil {
		return nil, err
	}
	return b, nil
}

func (l *simulatedLab) Group(ctx context.Context, devices []dut.Device, s lab.Settings, largest rfc2544.FrameSize) (control.Group, error) {
	l.settings = append(l.settings, s)
	g, err := l.Lab.Group(ctx, devices, s, largest)
	if err != nil {
		return nil, err
	}
	return g, nil
}

func (l *simulatedLab) CompareWithItself(context.Context, dut.Device, lab.Settings, int) (*result.Comparison, error) {
	l.compared++
	return &result.Comparison{}, nil
}

func TestRun(t *testing.T) {
	t.Parallel()
	const patterns = 3 // one for each direction
	times := len(timeReferences())
	shaped := 0
	for _, r := range timeReferences() {
		if strings.HasPrefix(r.device, "shaped") {
			shaped++
		}
	}
	for name, c := range map[string]struct {
		engine, lacks string
		wantEngine    string // of the report
		want          int    // values
		note          string
	}{
		"both engines":               {want: 2*patterns + times, wantEngine: lab.EngineXDP, note: "wire, 64 bytes"},
		"the one that was asked for": {engine: lab.EngineAFPacket, want: patterns + times, wantEngine: lab.EngineAFPacket, note: "wire, 64 bytes"},
		"the only one that can":      {lacks: lab.EngineXDP, want: patterns + times, wantEngine: lab.EngineAFPacket, note: "the engine xdp cannot run here"},
		"a device that cannot":       {lacks: "shaped", want: 2*patterns + times - shaped, wantEngine: lab.EngineXDP, note: "shaped link under 2x overload: not measured"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &simulatedLab{Lab: &labtest.Lab{Others: "capacity=100000fps,latency=1ms"}, lacks: c.lacks}
			report, heard := &result.Certificate{}, 0
			plan := Plan{Quick: true, OnValue: func(result.Standard) { heard++ }}
			plan.Settings = lab.Settings{Engine: c.engine, Flows: 100, Networks: 10, IPv6: true, WAN: "delay=1ms", Seed: 7}
			if err := Run(context.Background(), l, plan, report); err != nil {
				t.Fatal(err)
			}
			if report.Engine != c.wantEngine || len(report.Standards) != c.want || heard != c.want || l.compared != 1 {
				t.Errorf("engine %q, %d values, %d heard of, %d comparisons; want %q, %d and one", report.Engine, len(report.Standards), heard, l.compared, c.wantEngine, c.want)
			}
			if !slices.ContainsFunc(report.Notes, func(note string) bool { return strings.Contains(note, c.note) }) {
				t.Errorf("notes %q, want one of %q", report.Notes, c.note)
			}
			if len(report.Speeds) != 3 || report.Speeds[0].Control != "plain" || report.Speeds[0].Nominal < 99e3 {
				t.Errorf("speeds %+v, want plain's at 3 sizes, about 100 kfps", report.Speeds)
			}
			if len(l.SetUp) != l.Down {
				t.Errorf("%d set up, %d taken down", len(l.SetUp), l.Down)
			}
			for _, s := range l.settings { // one flow over the bare network, whatever the user's runs have
				if s.Flows != 1 || s.Networks != 1 || s.IPv6 || s.WAN != "" || s.Seed != 7 {
					t.Errorf("measured with %+v", s)
				}
			}
		})
	}
}

// measured is a reference value whose measurements are these, one after the other.
func measured(samples []sample, known float64, unit string) reference {
	return reference{
		name: "a value", known: known, limit: 1, limitUnit: unit, unit: "ms", repeats: 3, quick: 1,
		measure: func(context.Context, Setup, reference, Plan) (sample, error) {
			s := samples[0]
			samples = samples[1:]
			return s, nil
		},
	}
}

func TestMedianOfValidMeasurements(t *testing.T) {
	t.Parallel()
	good := func(v float64) sample { return sample{v, 100, true} }
	bad := sample{99, 100, false}
	for name, c := range map[string]struct {
		samples  []sample
		unit     string
		quick    bool
		measured float64
		fault    float64
		valid    bool
	}{
		"the median of three":          {samples: []sample{good(12), good(10), good(11)}, unit: "ms", measured: 11, fault: 1, valid: true},
		"its error in percent":         {samples: []sample{good(12), good(10), good(11)}, unit: "%", measured: 11, fault: 10, valid: true},
		"a quick one is measured once": {samples: []sample{good(12)}, unit: "ms", quick: true, measured: 12, fault: 2, valid: true},
		"repeated until it is valid":   {samples: []sample{good(12), bad, bad, bad, good(10), good(11)}, unit: "ms", measured: 11, fault: 1, valid: true},
		"one of three never valid":     {samples: []sample{good(12), bad, bad, bad, bad, good(10)}, unit: "ms", measured: 11, fault: 1, valid: true},
		"two of three never valid":     {samples: []sample{good(12), bad, bad, bad, bad, bad, bad, bad, bad}, unit: "ms", measured: 12, fault: 2},
		"none valid":                   {samples: slices.Repeat([]sample{bad}, 12), unit: "ms"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := measured(c.samples, 10, c.unit).run(context.Background(), nil, Plan{Quick: c.quick})
			if err != nil {
				t.Fatal(err)
			}
			want := result.Standard{Name: "a value", Unit: "ms", Known: 10, Measured: c.measured, Error: c.fault, ErrorUnit: c.unit, Limit: 1, N: 100, Valid: c.valid}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("value (-want +got):\n%s", diff)
			}
		})
	}
}
