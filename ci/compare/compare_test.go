package compare

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/control"
	"github.com/tunnelbench/tunnelbench/internal/lab/labtest"
	"github.com/tunnelbench/tunnelbench/internal/stats"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// simulatedLab is a lab with simulated devices.
type simulatedLab struct{ *labtest.Lab }

func (l simulatedLab) Group(ctx context.Context, devices []dut.Device, s lab.Settings, largest rfc2544.FrameSize) (control.Group, error) {
	g, err := l.Lab.Group(ctx, devices, s, largest)
	if err != nil {
		return nil, err
	}
	return g, nil
}

func (l simulatedLab) Setup(ctx context.Context, d dut.Device, s lab.Settings, largest rfc2544.FrameSize) (Setup, error) {
	b, err := l.Lab.Setup(ctx, d, s, largest)
	if err != nil {
		return nil, err
	}
	return b, nil
}

// simulate compares plain with vxlan, which forwards 0.4 of plain's rate.
func simulate(t *testing.T, ctx context.Context, l *labtest.Lab, p Plan) (*result.Comparison, error) {
	t.Helper()
	if l.Devices == nil {
		l.Devices = map[string]string{"plain": "capacity=500000fps", "vxlan": "capacity=200000fps"}
	}
	p.Devices, p.Names, p.Size = labtest.Devices(t, "plain", "vxlan"), []string{"plain", "vxlan"}, 64
	p.Settings.Seed = 7
	c := &result.Comparison{Confidence: 0.95, Order: [][]int{}, Warnings: []string{}}
	err := Run(ctx, simulatedLab{l}, p, c)
	if fault := result.Check(&result.Results{Comparison: c}); fault != nil && err == nil {
		t.Errorf("the comparison contradicts itself: %v", fault)
	}
	if len(l.SetUp) != l.Down {
		t.Errorf("%d devices were brought up and %d taken down", len(l.SetUp), l.Down)
	}
	return c, err
}

func TestDifferenceIsFound(t *testing.T) {
	t.Parallel()
	c, err := simulate(t, t.Context(), &labtest.Lab{}, Plan{Metrics: []string{"forwarding_rate", "latency_p50"}, Rounds: 8})
	if err != nil {
		t.Fatal(err)
	}
	rate := c.Metrics[0].Ratios[0]
	if rate.Verdict != result.VerdictWorse || rate.Value < 0.38 || rate.Value > 0.42 {
		t.Errorf("0.4 of the rate reads as %+v", rate)
	}
	if c.Light >= c.Overload || c.Overload <= 500e3 {
		t.Errorf("loads %v and %v", c.Light, c.Overload)
	}
	firsts := map[int]int{}
	for _, order := range c.Order {
		firsts[order[0]]++
	}
	if c.Rounds != 8 || len(c.Order) != 8 || len(firsts) != 2 {
		t.Errorf("%d rounds, first in them %v", c.Rounds, firsts)
	}
}

// A round that would exceed the time limit is not started, except for the rounds that an interval
// needs.
func TestTimeIsKept(t *testing.T) {
	t.Parallel()
	c, err := simulate(t, t.Context(), &labtest.Lab{}, Plan{Metrics: []string{"latency_p50"}, Rounds: 50, Time: time.Nanosecond})
	if fewest := stats.FewestPairs(c.EachConfidence()); err != nil || c.Rounds != fewest || len(c.Warnings) != 1 {
		t.Errorf("%d rounds, want %d; %q, %v", c.Rounds, fewest, c.Warnings, err)
	}
}

// After an interrupt the complete rounds are kept and evaluated.
func TestInterruptKeepsWholeRounds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c, err := simulate(t, ctx, &labtest.Lab{}, Plan{Metrics: []string{"latency_p50"}, Rounds: 50, OnTurn: func(round int, _ string) {
		if round == 1 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) || c.Rounds != 1 || len(c.Order) != 1 || len(c.Metrics[0].Samples[0]) != 1 {
		t.Errorf("%v; %+v", err, c)
	}
}

// A device that dies loses only its own samples; one that keeps dying ends the comparison.
func TestDeathCostsTheDevicesOwnSamples(t *testing.T) {
	t.Parallel()
	c, err := simulate(t, t.Context(), &labtest.Lab{Dies: map[string]int{"vxlan": 1}}, Plan{Metrics: []string{"forwarding_rate"}, Rounds: 8})
	if !errors.Is(err, lab.ErrDied) {
		t.Fatal(err)
	}
	for _, sample := range c.Metrics[0].Samples[1] {
		if sample != nil {
			t.Errorf("a dead device has the sample %v", *sample)
		}
	}
	deaths := 0
	for _, w := range c.Warnings {
		if strings.Contains(w, "vxlan") && strings.Contains(w, "died") {
			deaths++
		}
	}
	if deaths != maxDeaths {
		t.Errorf("%d deaths of vxlan in %q, want %d", deaths, c.Warnings, maxDeaths)
	}
}

// The device that was up beside the one that dies is measured alone and keeps its sample.
func TestDeathBesideAnother(t *testing.T) {
	t.Parallel()
	const afterThePilot = 5
	l := &labtest.Lab{Dies: map[string]int{"vxlan": afterThePilot}}
	c, err := simulate(t, t.Context(), l, Plan{Metrics: []string{rateMetric}, Rounds: maxDeaths})
	if !errors.Is(err, lab.ErrDied) {
		t.Fatal(err)
	}
	if c.Rounds != maxDeaths-1 {
		t.Fatalf("%d rounds were kept, want %d", c.Rounds, maxDeaths-1)
	}
	samples := c.Metrics[0].Samples
	for round := range c.Rounds {
		if samples[0][round] == nil || samples[1][round] != nil {
			t.Errorf("round %d: %v of the survivor, %v of the dead", round+1, samples[0][round], samples[1][round])
		}
	}
}

// What was measured of a device that died later in the round does not count; its partner's does.
func TestDeathUnderTheLightLoad(t *testing.T) {
	t.Parallel()
	devices := labtest.Devices(t, "plain", "vxlan")
	turnsOfTheLoop := 2 * control.Turns.Rounds
	l := &labtest.Lab{Others: "capacity=200000fps", Dies: map[string]int{"vxlan": turnsOfTheLoop + 1}}
	c := result.Comparison{FrameSize: 64, Light: 10e3, Metrics: []result.Metric{{Name: rateMetric}, {Name: cpuMetric}}}
	values, errs := Round{Comparison: &c, Invalid: &InvalidTrials{}, Together: true}.Measure(t.Context(), simulatedLab{l}, devices)
	if errs[0] != nil || !errors.Is(errs[1], lab.ErrDied) {
		t.Errorf("errors %v", errs)
	}
	if len(values[0]) != 2 || len(values[1]) != 0 || len(l.SetUp) != 2 {
		t.Errorf("values %v, brought up %v: the survivor keeps what was measured side by side", values, l.SetUp)
	}
}

// On a machine that is never quiet nobody has values, and a warning says why.
func TestNoUndisturbedTurn(t *testing.T) {
	t.Parallel()
	l := &labtest.Lab{Others: "capacity=200000fps,disturbed=1"}
	invalid := InvalidTrials{}
	c := result.Comparison{FrameSize: 64, Metrics: []result.Metric{{Name: rateMetric}}}
	values, errs := Round{Comparison: &c, Invalid: &invalid, Together: true}.Measure(t.Context(), simulatedLab{l}, labtest.Devices(t, "plain", "vxlan"))
	if errs[0] != nil || errs[1] != nil || len(values[0])+len(values[1]) > 0 {
		t.Errorf("values %v, errors %v", values, errs)
	}
	if w := invalid.Warnings(); len(w) != 1 || !strings.Contains(w[0], "no turn of all devices was undisturbed") {
		t.Errorf("warnings %q", w)
	}
}

// An invalid trial is repeated, so that the round keeps its sample, and the comparison reports the
// number of invalid trials.
func TestInvalidTrialsAreRepeated(t *testing.T) {
	t.Parallel()
	l := &labtest.Lab{Devices: map[string]string{"plain": "capacity=500000fps", "vxlan": "capacity=200000fps,invalid=0.2,seed=3"}}
	c, err := simulate(t, t.Context(), l, Plan{Metrics: []string{"forwarding_rate"}, Rounds: 8})
	if err != nil {
		t.Fatal(err)
	}
	samples := 0
	for _, sample := range c.Metrics[0].Samples[1] {
		if sample != nil {
			samples++
		}
	}
	if warned := strings.Contains(strings.Join(c.Warnings, "\n"), "were not valid, and were repeated"); samples < 7 || !warned {
		t.Errorf("%d of 8 rounds have a sample; %q", samples, c.Warnings)
	}
}

func TestNothingToMeasureIsABadChoice(t *testing.T) {
	t.Parallel()
	if _, err := simulate(t, t.Context(), &labtest.Lab{}, Plan{Metrics: []string{allocMetric}, Rounds: 8}); !errors.Is(err, lab.ErrConfig) {
		t.Errorf("%v, want a bad choice: simulated devices do not report what they allocate", err)
	}
}

func TestTurnsAreMeasuredOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		metrics []string
		want    int
	}{
		{"light load shared", []string{"forwarding_rate", "cpu_ns_per_frame", "latency_p50"}, 2},
		{"one metric", []string{"latency_p99"}, 1},
		{"search and stream", []string{"latency_p50", "latency_p99", "pdr", "stream_goodput"}, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, len(turnsFor(c.metrics))); diff != "" {
				t.Error(diff)
			}
		})
	}
}
