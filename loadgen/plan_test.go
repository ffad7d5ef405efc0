package loadgen

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

func forward() Stream {
	return Stream{
		From: Endpoint{MAC: []byte{2, 0, 0, 0, 0, 1}, IP: netip.MustParseAddr("198.18.0.2")},
		To:   netip.MustParseAddr("198.19.0.2"), NextHop: []byte{2, 0, 0, 0, 0, 2},
	}
}

func goodPlan() Plan {
	return Plan{
		Streams: []Stream{forward()}, Size: 64, Rate: 100e3, Duration: 100 * time.Millisecond, Flows: 1,
		Late: time.Second, Silence: 100 * time.Millisecond, Window: 2 * time.Second,
	}
}

func TestPlanValidate(t *testing.T) {
	if err := goodPlan().Validate(); err != nil {
		t.Fatalf("a good plan: %v", err)
	}
	for name, c := range map[string]struct {
		change func(*Plan)
		want   string
	}{
		"no stream":      {func(p *Plan) { p.Streams = nil }, "streams"},
		"three streams":  {func(p *Plan) { p.Streams = make([]Stream, 3) }, "streams"},
		"small frame":    {func(p *Plan) { p.Size = 63 }, "frame size 63"},
		"large frame":    {func(p *Plan) { p.Size = rfc2544.MaxFrame + 1 }, "frame size 9217"},
		"rate 0":         {func(p *Plan) { p.Rate = 0 }, "load 0fps"},
		"rate too high":  {func(p *Plan) { p.Rate = 1e9 }, "load 1000Mpps"},
		"no duration":    {func(p *Plan) { p.Duration = 0 }, "duration"},
		"no flow":        {func(p *Plan) { p.Flows = 0 }, "0 flows"},
		"too many flows": {func(p *Plan) { p.Flows = MaxFlows + 1 }, "65537 flows"},
		"no late limit":  {func(p *Plan) { p.Late = 0 }, "late limit"},
		"batch":          {func(p *Plan) { p.Batch = 257 }, "batch of 257"},
	} {
		p := goodPlan()
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
	}{{10e3, 0, 1}, {300e3, 0, 1}, {1e6, 0, PacedBatch}, {rfc2544.Flood, 0, 64}, {1e6, 3, 3}} {
		p := goodPlan()
		p.Rate, p.Batch = c.rate, c.batch
		if got := p.BatchSize(); got != c.want {
			t.Errorf("%v, batch %d: %d, want %d", c.rate, c.batch, got, c.want)
		}
	}
}

// No rate drifts by more than a nanosecond per million frames.
func TestIntervalDoesNotDrift(t *testing.T) {
	for _, rate := range []rfc2544.Rate{1, 3, 999, 1e3, 123456.789, 1e6, 3333333, 20e6} {
		const frames = 1e6
		due := float64(intervalOf(rate)) * frames / intervalUnit
		want := frames * 1e9 / float64(rate)
		if diff := due - want; diff > 1 || diff < -1 {
			t.Errorf("%v: frame %.0f is due %v ns off", rate, frames, diff)
		}
	}
}
