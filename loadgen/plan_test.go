package loadgen_test

import (
	"strings"
	"testing"

	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/loadgen/enginetest"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

func TestPlanValidate(t *testing.T) {
	if err := enginetest.Plan().Validate(); err != nil {
		t.Fatalf("a good plan: %v", err)
	}
	for name, c := range map[string]struct {
		change func(*loadgen.Plan)
		want   string
	}{
		"no stream":       {func(p *loadgen.Plan) { p.Streams = nil }, "streams"},
		"three streams":   {func(p *loadgen.Plan) { p.Streams = make([]loadgen.Stream, 3) }, "streams"},
		"small frame":     {func(p *loadgen.Plan) { p.Size = 63 }, "frame size 63"},
		"large frame":     {func(p *loadgen.Plan) { p.Size = rfc2544.MaxFrame + 1 }, "frame size 9217"},
		"rate 0":          {func(p *loadgen.Plan) { p.Load = 0 }, "load 0fps"},
		"rate too high":   {func(p *loadgen.Plan) { p.Load = 1e9 }, "load 1000Mpps"},
		"no duration":     {func(p *loadgen.Plan) { p.Duration = 0 }, "duration"},
		"no flow":         {func(p *loadgen.Plan) { p.Flows = 0 }, "0 flows"},
		"too many flows":  {func(p *loadgen.Plan) { p.Flows = loadgen.MaxFlows + 1 }, "65537 flows"},
		"no loss timeout": {func(p *loadgen.Plan) { p.LossTimeout = 0 }, "loss timeout"},
		"batch":           {func(p *loadgen.Plan) { p.Batch = 257 }, "batch of 257"},
	} {
		p := enginetest.Plan()
		c.change(&p)
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want one line with %q", name, err, c.want)
		}
	}
}

func TestBatchSize(t *testing.T) {
	for _, c := range []struct {
		rate  rfc2544.Rate
		batch int
		want  int
	}{{10e3, 0, 1}, {300e3, 0, 1}, {1e6, 0, loadgen.PacedBatch}, {rfc2544.Flood, 0, 64}, {1e6, 3, 3}} {
		p := enginetest.Plan()
		p.Load, p.Batch = c.rate, c.batch
		if got := p.BatchSize(); got != c.want {
			t.Errorf("%v, batch %d: %d, want %d", c.rate, c.batch, got, c.want)
		}
	}
}

// No rate drifts by more than a nanosecond per million frames.
func TestIntervalDoesNotDrift(t *testing.T) {
	for _, rate := range []rfc2544.Rate{1, 3, 999, 1e3, 123456.789, 1e6, 3333333, 20e6} {
		const frames = 1e6
		due := float64(loadgen.Interval(rate)) * frames / loadgen.IntervalUnit
		want := frames * 1e9 / float64(rate)
		if diff := due - want; diff > 1 || diff < -1 {
			t.Errorf("%v: frame %.0f is due %v ns off", rate, frames, diff)
		}
	}
}
