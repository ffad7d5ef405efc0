package gate

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/reports/result"
)

func TestNoise(t *testing.T) {
	t.Parallel()
	p := policy(t, rate64+cpu64+p99)
	base, head := newSets()
	machineModel{rand.New(rand.NewPCG(7, 8)), always(0), 0.04, 0}.gate(t, p, base, head)
	run := MeasureNoise(base, head, 10*time.Second)
	m := run.Metrics["forwarding_rate/64"]
	if m.Pairs < 16 || math.Abs(m.Bias) > 0.05 || m.Spread < 0.02 || m.Spread > 0.12 {
		t.Errorf("%+v", m)
	}
	var n Noise
	if forgotten := n.Add(head.Host, run) + n.Add(head.Host, run); forgotten != 0 || len(n.Runs) != 2 {
		t.Errorf("%d forgotten: %+v", forgotten, n)
	}
	if bias := n.Bias(head.Host)["forwarding_rate/64"]; math.Abs(bias-math.Abs(m.Bias)) > 1e-12 {
		t.Errorf("two runs off by %v are off by %v", m.Bias, bias)
	}
	other := result.Host{CPU: "another"}
	if n.Bias(other) != nil || (*Noise)(nil).Bias(other) != nil || n.Add(other, run) != 2 || len(n.Runs) != 1 {
		t.Errorf("%+v", n)
	}
	data, err := EncodeNoise(&n)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := ParseNoise(data, "noise.json"); err != nil || len(again.Runs) != 1 || again.Runs[0].Metrics["forwarding_rate/64"] != m {
		t.Errorf("%+v %v", again, err)
	}
	for why, edit := range map[string][2]string{"this program reads": {"noise/1", "noise/2"}, "is no noise": {`"pairs": `, `"pairs": -`}, "stands twice": {`"machine"`, `"schema": "", "machine"`}, "follows": {"{", "{} {"}, "out of range": {`"bias": `, `"bias": 1e309, "bias": `}, "noise.json: ": {"{", "["}} {
		if _, err := ParseNoise([]byte(strings.Replace(string(data), edit[0], edit[1], 1)), "noise.json"); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v", why, err)
		}
	}
	if table := p.NoiseTable(run); !strings.Contains(table, "not judged") || strings.Count(table, "\n") < 6 {
		t.Error(table)
	}
}

// A machine with bias raises the margin.
func TestBiasRaisesTheMargin(t *testing.T) {
	t.Parallel()
	p := policy(t, rate64)
	p.Bias = map[string]float64{"forwarding_rate/64": 0.05}
	base, head := newSets()
	if g := (machineModel{rand.New(rand.NewPCG(7, 8)), always(0.1), 0.02, 0}).gate(t, p, base, head); g.Verdict != Inconclusive || g.Metrics[0].Margin < 0.15-1e-9 {
		t.Errorf("%+v", g)
	}
}

// The slowdown in the table is found by eight of ten gates. (With 16 pairs the normal distribution
// is only a rough approximation.)
func TestVisibleIsSeen(t *testing.T) {
	t.Parallel()
	p := policy(t, rate64)
	const noise = 0.03
	for look := range p.Looks {
		slowdown := p.Visible(p.Metrics[0], noise*math.Sqrt2, look)
		rng, seen := rand.New(rand.NewPCG(7, uint64(look))), 0
		const times = 400
		for range times {
			base, head := newSets()
			g := machineModel{rng, always(slowdown), noise, 0}.gate(t, p, base, head)
			if s := g.Metrics[0].Series[0]; s.Verdict == Fail && s.Pairs <= p.Looks[look] {
				seen++
			}
		}
		if share := float64(seen) / times; share < 0.8 {
			t.Errorf("after %d pairs a slowdown of %.1f %% was seen in %.0f %%", p.Looks[look], 100*slowdown, 100*share)
		}
	}
}
