package compare

import (
	"context"
	"errors"
	"slices"
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

// A device that dies in every round is left out, and loses only its own samples.
func TestDeathCostsTheDevicesOwnSamples(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, metric string
		trial        int
	}{
		{"alone", "forwarding_rate", 1},
		{"beside another", rateMetric, 5}, // after the pilot
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := simulate(t, t.Context(), &labtest.Lab{Dies: map[string]int{"vxlan": c.trial}}, Plan{Metrics: []string{c.metric}, Rounds: 8})
			if err != nil {
				t.Fatal(err)
			}
			samples := got.Metrics[0].Samples
			if got.Rounds != maxFailures || slices.Contains(samples[0], nil) || slices.ContainsFunc(samples[1], func(v *float64) bool { return v != nil }) {
				t.Errorf("%d rounds, samples %v", got.Rounds, samples)
			}
			if out := got.LeftOut; len(out) != 1 || out[0].Device != "vxlan" || out[0].Round != maxFailures || !strings.Contains(out[0].Why, "died") || out[0].Unsupported {
				t.Errorf("left out: %+v", out)
			}
		})
	}
}

// failing returns a function for labtest.Lab.Fails.
func failing(bringUps ...int) func(int) bool {
	return func(n int) bool { return slices.Contains(bringUps, n) }
}

func always(int) bool { return true }

// A bring-up that fails is repeated; a device that fails again and again is left out, and the others
// are measured on.
func TestBringUpsThatFail(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		metric string
		fails  map[string]func(int) bool
		want   []int // samples of plain, vxlan and gre
		out    []result.LeftOut
	}{
		{"once in ten times, side by side", rateMetric, map[string]func(int) bool{"vxlan": func(n int) bool { return n%10 == 3 }}, []int{8, 8, 8}, nil},
		{"once in ten times, alone", "forwarding_rate", map[string]func(int) bool{"gre": func(n int) bool { return n%10 == 1 }}, []int{8, 8, 8}, nil},
		{"never, side by side", rateMetric, map[string]func(int) bool{"vxlan": always}, []int{8, 8, 0}, []result.LeftOut{{Device: "vxlan", Why: "vxlan: it was late"}}},
		{"never, alone", "forwarding_rate", map[string]func(int) bool{"gre": always}, []int{8, 8, 0}, []result.LeftOut{{Device: "gre", Why: "gre: it was late"}}},
		{"the first of them, never", rateMetric, map[string]func(int) bool{"plain": always}, []int{8, 8, 0}, []result.LeftOut{{Device: "plain", Why: "plain: it was late"}}},
		{"never again after a while", rateMetric, map[string]func(int) bool{"vxlan": func(n int) bool { return n > 4 }}, []int{8, 3, 8}, []result.LeftOut{{Device: "vxlan", Round: 6, Why: "vxlan: it was late"}}},
		{"in a single round", rateMetric, map[string]func(int) bool{"vxlan": failing(4, 5, 6)}, []int{8, 7, 8}, nil},
		{"the first of them, after a while", rateMetric, map[string]func(int) bool{"plain": func(n int) bool { return n > 4 }}, []int{3, 6, 6}, []result.LeftOut{{Device: "plain", Round: 6, Why: "plain: it was late"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := &labtest.Lab{Others: "capacity=200000fps", Fails: c.fails}
			names := []string{"plain", "vxlan", "gre"}
			p := Plan{Devices: labtest.Devices(t, names...), Names: names, Size: 64, Metrics: []string{c.metric}, Rounds: 8}
			got := &result.Comparison{Confidence: 0.95, Order: [][]int{}, Warnings: []string{}}
			if err := Run(t.Context(), simulatedLab{l}, p, got); err != nil {
				t.Fatal(err)
			}
			if err := result.Check(&result.Results{Comparison: got}); err != nil {
				t.Errorf("the comparison contradicts itself: %v", err)
			}
			var counts []int
			for _, row := range got.Metrics[0].Samples {
				counts = append(counts, len(row)-len(slices.DeleteFunc(slices.Clone(row), func(v *float64) bool { return v != nil })))
			}
			if diff := cmp.Diff(c.want, counts); diff != "" {
				t.Errorf("samples of %v (-want +got):\n%s", got.Devices, diff)
			}
			if diff := cmp.Diff(c.out, got.LeftOut); diff != "" {
				t.Errorf("left out (-want +got):\n%s", diff)
			}
			if len(l.SetUp) != l.Down {
				t.Errorf("%d devices were brought up and %d taken down", len(l.SetUp), l.Down)
			}
		})
	}
}

// With fewer than two devices there is nothing to compare.
func TestNothingToCompare(t *testing.T) {
	t.Parallel()
	for _, fails := range []map[string]func(int) bool{{"plain": always}, {"vxlan": always}, {"plain": always, "vxlan": always}} {
		_, err := simulate(t, t.Context(), &labtest.Lab{Fails: fails}, Plan{Metrics: []string{rateMetric}, Rounds: 8})
		if !errors.Is(err, ErrNothingToCompare) || !lab.DeviceFailed(err) {
			t.Errorf("%v, want %v", err, ErrNothingToCompare)
		}
	}
}

// A device that cannot be taken down cleanly was measured all the same, and a warning says so.
func TestTeardownThatFails(t *testing.T) {
	t.Parallel()
	for _, metric := range []string{rateMetric, "pdr"} {
		l := &labtest.Lab{}
		l.Fails = map[string]func(int) bool{"vxlan": func(n int) bool {
			if n == 3 {
				l.Teardown = errors.New("it stays")
			}
			return false
		}}
		c, err := simulate(t, t.Context(), l, Plan{Metrics: []string{metric}, Rounds: 6})
		if err != nil || c.Rounds != 6 || slices.Contains(c.Metrics[0].Samples[1], nil) || !strings.Contains(strings.Join(c.Warnings, "; "), "it stays") {
			t.Errorf("%s: %d rounds, %v, %q", metric, c.Rounds, err, c.Warnings)
		}
	}
}

// Where a pair is lost, rounds are added until the interval can be had, within the time.
func TestRoundsAreAddedForAnInterval(t *testing.T) {
	t.Parallel()
	lost := map[string]func(int) bool{"vxlan": failing(4, 5, 6, 8, 9, 10)} // all bring-ups of two rounds
	for _, c := range []struct {
		name   string
		limit  time.Duration
		fails  map[string]func(int) bool
		rounds int
		has    bool
	}{
		{"two pairs are lost", 0, lost, 8, true},
		{"and there is no time for more", time.Nanosecond, lost, 6, false},
		{"none is lost", 0, nil, 6, true},
		{"half of all are lost", 0, map[string]func(int) bool{"vxlan": func(n int) bool { return n > 3 && n%4 > 0 }}, 9, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := simulate(t, t.Context(), &labtest.Lab{Fails: c.fails}, Plan{Metrics: []string{rateMetric}, Rounds: 6, Time: c.limit})
			if err != nil {
				t.Fatal(err)
			}
			if has := len(got.Metrics[0].Ratios) > 0; got.Rounds != c.rounds || has != c.has {
				t.Errorf("%d rounds, an interval: %v; %q", got.Rounds, has, got.Warnings)
			}
		})
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

// For streams alone no device is set up for frames: it may carry none.
func TestStreamsAlone(t *testing.T) {
	t.Parallel()
	l, tries := &labtest.Lab{}, 0
	goodput := func(_ context.Context, d dut.Device, _ lab.Settings) (float64, bool, error) {
		if tries++; tries == 1 {
			return 0, false, lab.DownError{Err: errors.New("late")} // and is brought up again
		}
		return map[string]float64{"plain": 2e9, "vxlan": 1e9}[d.Spec], true, nil
	}
	c, err := simulate(t, t.Context(), l, Plan{Metrics: []string{StreamMetric}, Rounds: 6, Goodput: goodput})
	if err != nil {
		t.Fatal(err)
	}
	if r := c.Metrics[0].Ratios[0]; r.Value != 0.5 || r.Pairs != 6 || len(l.SetUp) > 0 || tries != 13 || c.Overload != 0 {
		t.Errorf("%+v, brought up %v, %d tries", r, l.SetUp, tries)
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

func TestMissing(t *testing.T) {
	t.Parallel()
	has := []result.Metric{{Ratios: []result.Ratio{{Device: "b"}}}}
	for _, c := range []struct {
		name string
		c    result.Comparison
		want string
	}{
		{"an interval", result.Comparison{Metrics: has}, ""},
		{"no interval", result.Comparison{Metrics: []result.Metric{{}}}, "no metric has enough valid pairs"},
		{"a device failed", result.Comparison{Metrics: has, LeftOut: []result.LeftOut{{Device: "c", Why: "late"}}}, "c was left out: late"},
		{"a device cannot run here", result.Comparison{Metrics: has, LeftOut: []result.LeftOut{{Device: "c", Unsupported: true}}}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := Missing(&c.c); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
