package lab

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

// Every usual metric of real devices has samples, or the comparison says why not.
func TestComparePlainWithVXLAN(t *testing.T) {
	testenv.NetAdmin(t)
	names := []string{"plain", "vxlan"}
	_, usual := CompareMetrics()
	c, err := compare(t, ComparePlan{Devices: devices(t, names...), Names: names, Size: 64, Metrics: usual, Rounds: 2})
	if err != nil {
		t.Fatal(err)
	}
	if c.Rounds != 2 || len(c.Metrics) != len(usual) || c.Light >= c.Overload {
		t.Errorf("%d rounds of %d metrics, loads %v and %v", c.Rounds, len(c.Metrics), c.Light, c.Overload)
	}
	for _, m := range c.Metrics {
		for k, row := range m.Samples {
			if slices.Contains(row, nil) && len(c.Warnings) == 0 {
				t.Errorf("%s of %s: %v, and nobody says why", m.Name, names[k], row)
			}
		}
	}
}

// The CPU time of what spins says nothing: it takes no share of the risk, and
// asked for alone it is a bad choice.
func TestCompareLeavesOutWhatCannotBe(t *testing.T) {
	testenv.NetAdmin(t)
	p := ComparePlan{Devices: devices(t, "relay", "relay"), Names: []string{"relay", "relay#2"}, Size: 64, Metrics: []string{cpuMetric, "latency_p50"}, Rounds: 2}
	c, err := compare(t, p)
	if err != nil || c.Rounds != 2 || len(c.Metrics) != 1 || c.Metrics[0].Name != "latency_p50" || len(c.Warnings) == 0 {
		t.Errorf("%d rounds of %+v; %q, %v", c.Rounds, c.Metrics, c.Warnings, err)
	}
	p.Metrics = []string{cpuMetric}
	if _, err := compare(t, p); !errors.Is(err, ErrConfig) {
		t.Errorf("%v, want a bad choice", err)
	}
}

// An interrupt keeps the whole rounds that were measured, and judges them.
func TestCompareInterrupted(t *testing.T) {
	testenv.NetAdmin(t)
	l := openLab(t)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c := &result.Comparison{Confidence: 0.95, Order: [][]int{}, Warnings: []string{}}
	err := l.Compare(ctx, ComparePlan{
		Settings: l.set, Devices: devices(t, "plain", "plain"), Names: []string{"plain", "plain#2"}, Size: 64, Metrics: []string{"latency_p50"}, Rounds: 50,
		OnTurn: func(round int, _ string) {
			if round == 1 {
				cancel()
			}
		},
	}, c)
	if !errors.Is(err, context.Canceled) || c.Rounds != 1 || len(c.Order) != 1 || len(c.Metrics[0].Samples[0]) != 1 {
		t.Errorf("%v; %+v", err, c)
	}
	if fault := result.Check(&result.Results{Comparison: c}); fault != nil {
		t.Error(fault)
	}
}

// A stream has the machine for itself: the frames' device is gone by then.
func TestCompareStreams(t *testing.T) {
	testenv.NetAdmin(t)
	l := openLab(t)
	d := devices(t, "vxlan")[0]
	values, err := l.turn(context.Background(), d, turn{
		settings: l.set, spoilt: &invalidTrials{},
		comparison: &result.Comparison{FrameSize: 64, Light: 5000, Metrics: []result.Metric{{Name: "latency_p50"}, {Name: "stream_goodput"}}},
		goodput: func(ctx context.Context, d dut.Device, s Settings) (float64, bool, error) { // as good as a network of its own
			b, err := l.Setup(ctx, d, s, 64)
			if err != nil {
				return 0, false, err
			}
			return 2e6, true, b.Close()
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if v := values["stream_goodput"]; v != 2e6 {
		t.Errorf("goodput %v bit/s", v)
	}
	if _, ok := values["pdr"]; ok {
		t.Error("measured what nobody asked for")
	}
}
