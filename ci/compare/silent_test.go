package compare

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/labtest"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

// A device that forwards nothing in valid time has a rate of 0, and frames that come never; one whose
// trials are not valid has no values.
func TestSilentDevice(t *testing.T) {
	t.Parallel()
	light := map[string]float64{cpuMetric: Silence, "latency_p50": Silence, "latency_p99": Silence}
	withRates := map[string]float64{rateMetric: 0, cpuMetric: Silence, "latency_p50": Silence, "latency_p99": Silence}
	alone := map[string]float64{"forwarding_rate": 0}
	for name, v := range withRates {
		alone[name] = v
	}
	for _, c := range []struct {
		name, device string
		together     bool
		metrics      []string
		want         map[string]float64
	}{
		{"beside another", "capacity=500000fps,loss=1", true, []string{rateMetric, cpuMetric, "latency_p50"}, withRates},
		{"beside another, light load only", "capacity=500000fps,loss=1", true, []string{"latency_p50"}, light},
		{"alone", "capacity=500000fps,loss=1", false, []string{rateMetric, "forwarding_rate", "latency_p50"}, alone},
		{"beside another, disturbed", "capacity=500000fps,loss=1,disturbed=1", true, []string{rateMetric, "latency_p50"}, map[string]float64{}},
		{"alone, not valid", "capacity=500000fps,loss=1,invalid=1", false, []string{rateMetric, "forwarding_rate", "latency_p50"}, map[string]float64{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := &labtest.Lab{Devices: map[string]string{"plain": "capacity=500000fps,latency=10us", "vxlan": c.device}}
			about := result.Comparison{FrameSize: 64, Light: 100e3, Overload: 200e3}
			for _, name := range c.metrics {
				m, _ := MetricOf(name)
				about.Metrics = append(about.Metrics, m)
			}
			round := Round{Settings: lab.Settings{}.Resolved(), Comparison: &about, Invalid: new(InvalidTrials), Together: c.together}
			values, errs := round.Measure(t.Context(), simulatedLab{l}, labtest.Devices(t, "plain", "vxlan"))
			if err := errors.Join(errs...); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, values[1]); diff != "" {
				t.Errorf("vxlan: -want +got:\n%s", diff)
			}
		})
	}
}

// A base that forwards nothing did not die.
func TestPilotOfASilentDevice(t *testing.T) {
	t.Parallel()
	for _, metric := range []string{rateMetric, "forwarding_rate"} {
		t.Run(metric, func(t *testing.T) {
			t.Parallel()
			l := &labtest.Lab{Devices: map[string]string{"plain": "capacity=500000fps,loss=1"}}
			m, _ := MetricOf(metric)
			c := &result.Comparison{FrameSize: 64, Metrics: []result.Metric{m}}
			_, err := Pilot(t.Context(), simulatedLab{l}, Plan{Devices: labtest.Devices(t, "plain"), Names: []string{"plain"}, Size: 64}, c)
			if !errors.Is(err, ErrSilent) || errors.Is(err, lab.ErrDied) || !lab.DeviceFailed(err) {
				t.Errorf("%v", err)
			}
		})
	}
}

// A device that carries frames one way only is no tunnel, however fast it is that way.
func TestOneWayCountsAsNothing(t *testing.T) {
	t.Parallel()
	turns := []lab.Turn{{Clean: true, Sending: time.Second, Received: 100}}
	sums := sumTurns([]lab.Turned{{Turns: turns}, {Turns: turns, OneWay: true}})
	if sums[0].rate() != 100 || sums[1].rate() != 0 || sums[0].silent() || !sums[1].silent() {
		t.Errorf("%+v", sums)
	}
}
