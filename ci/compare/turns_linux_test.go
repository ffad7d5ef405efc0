package compare

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/labtest"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

// Every default metric of real devices has samples, or the comparison explains why not.
func TestComparePlainWithVXLAN(t *testing.T) {
	names := []string{"plain", "vxlan"}
	_, usual := Metrics()
	c, err := onThisMachine(t, Plan{Devices: labtest.Devices(t, names...), Names: names, Size: 64, Metrics: usual, Rounds: 2})
	if err != nil {
		t.Fatal(err)
	}
	if c.Rounds != 2 || len(c.Metrics) != len(usual) || c.Light == 0 {
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

// The CPU time of a busy-waiting device means nothing: it uses no share of the risk, and selecting
// it alone is an error.
func TestCompareLeavesOutWhatCannotBe(t *testing.T) {
	p := Plan{Devices: labtest.Devices(t, "relay:spin=on", "relay:spin=on"), Names: []string{"relay", "relay#2"}, Size: 64, Metrics: []string{cpuMetric, "latency_p50"}, Rounds: 2}
	c, err := onThisMachine(t, p)
	if err != nil || c.Rounds != 2 || len(c.Metrics) != 1 || c.Metrics[0].Name != "latency_p50" || len(c.Warnings) == 0 {
		t.Errorf("%d rounds of %+v; %q, %v", c.Rounds, c.Metrics, c.Warnings, err)
	}
	p.Metrics = []string{cpuMetric}
	if _, err := onThisMachine(t, p); !errors.Is(err, lab.ErrConfig) {
		t.Errorf("%v, want a bad choice", err)
	}
}

// A stream runs alone: the setup for frames is closed before it.
func TestCompareStreams(t *testing.T) {
	testenv.NetAdmin(t)
	l := labtest.Open(t, lab.Settings{})
	turn := Turn{
		Settings: l.Settings, Invalid: &InvalidTrials{},
		Comparison: &result.Comparison{FrameSize: 64, Light: 5000, Metrics: []result.Metric{{Name: "latency_p50"}, {Name: "stream_goodput"}}},
		Goodput: func(ctx context.Context, d dut.Device, s lab.Settings) (float64, bool, error) { // stands for a network of its own
			b, err := l.Setup(ctx, d, s, 64)
			if err != nil {
				return 0, false, err
			}
			return 2e6, true, b.Close()
		},
	}
	values, err := turn.Measure(context.Background(), On(l.Lab), labtest.Devices(t, "vxlan")[0])
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
