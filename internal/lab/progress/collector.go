package progress

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// MostSeries is the number of a run's devices times sizes, and of its rates, that have series of their own. A run that
// names more shows the first of them.
const MostSeries = 1000

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("tunnelbench_run_"+name, help, labels, nil)
}

var (
	start     = desc("start_time_seconds", "When the run began, in seconds since 1970.")
	elapsed   = desc("elapsed_seconds", "How long the run has been going on.")
	remaining = desc("remaining_seconds", "How long the run is expected to go on. Absent: nobody knows, as of a run that was resumed.")
	cells     = desc("cells", "Devices times frame sizes that the run measures.")
	stepInfo  = desc("step_info", "Always 1; what is being measured. Devices that are up at once are measured in turns: each has a step of its own.", "device", "frame_size", "test")
	trials    = desc("trials_total", "Trials that have ended: clean, disturbed (they count by their clean time) or broken (they do not count).", "device", "frame_size", "outcome")
	broken    = desc("broken_trials_total", "Trials that did not count, by the reason. One may have several.", "reason")
	found     = desc("found_frames_per_second", "Rates that were found so far, per direction.", "device", "frame_size", "test", "value")
	results   = desc("results", "Results so far by outcome: valid, invalid, failed or unsupported.", "outcome")
)

// collector shows the newest state.
type collector struct {
	state func() *State
	now   func() time.Time
}

// Describe says nothing in advance: what there is depends on the run.
func (c collector) Describe(chan<- *prometheus.Desc) {}

// Collect shows the state.
func (c collector) Collect(out chan<- prometheus.Metric) {
	s, now := c.state(), c.now()
	show := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	count := func(d *prometheus.Desc, n uint64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	show(start, float64(s.Started.UnixNano())/1e9)
	show(elapsed, now.Sub(s.Started).Seconds())
	if !s.Expected.IsZero() {
		show(remaining, max(0, s.Expected.Sub(now).Seconds()))
	}
	show(cells, float64(s.Cells))
	for _, at := range s.steps() {
		show(stepInfo, 1, at.Device, size(at.Size), at.Test)
	}
	for _, t := range s.Trials[:min(len(s.Trials), MostSeries)] {
		count(trials, t.Clean, t.Device, size(t.Size), "clean")
		count(trials, t.Disturbed, t.Device, size(t.Size), "disturbed")
		count(trials, t.Broken, t.Device, size(t.Size), "broken")
	}
	for why, n := range s.Broken {
		count(broken, n, string(why))
	}
	for _, v := range s.Values[:min(len(s.Values), MostSeries)] {
		show(found, v.Rate, v.Device, size(v.Size), v.Test, v.Name)
	}
	for _, o := range []string{valid, invalid, failed, unsupported} {
		show(results, float64(s.Results[o]), o)
	}
}

// size is the label of a frame size; empty, which is no label, for none.
func size(s rfc2544.FrameSize) string {
	if s == 0 {
		return ""
	}
	return strconv.Itoa(int(s))
}
