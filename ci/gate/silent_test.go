package gate

import (
	"math/rand/v2"
	"strings"
	"testing"
)

const p50 = "  - {name: latency_p50, frame_size: 64, limit: 10%}\n"

// trickles makes turns in which the device lets 0.02 % of the frames through.
func trickles(side string) func(*Set, *Turn, string) {
	return func(s *Set, t *Turn, id string) {
		if s.Side == side && *t.Values[id] > 1 {
			*t.Values[id] *= 0.0002
		}
	}
}

// A device that lets a few frames through before it stops is no better than one that forwards nothing.
func TestTrickle(t *testing.T) {
	t.Parallel()
	for side, want := range map[string]string{HeadSide: Fail, BaseSide: Inconclusive} {
		base, head := newSets()
		g := machineModel{rand.New(rand.NewPCG(7, 8)), always(0), 0.01, 0}.edited(t, policy(t, rate64), base, head, trickles(side))
		if g.Verdict != want || !strings.Contains(g.Why, "the "+side+" forwarded nothing in 16 of 16 pairs") {
			t.Errorf("%s: %s", g.Verdict, g.Why)
		}
	}
}

// silence makes turns in which the device forwards nothing: a rate of 0, and no latency.
func silence(silent func(s *Set, t Turn) bool) func(s *Set, t *Turn, id string) {
	return func(s *Set, t *Turn, id string) {
		if !silent(s, *t) {
			return
		}
		if strings.HasPrefix(id, "forwarding_rate") {
			t.Values[id] = new(float64)
			return
		}
		if t.Values[id] != nil {
			t.Values[id], t.Silent = nil, append(t.Silent, id)
		}
	}
}

func every(side string, n int) func(*Set, Turn) bool {
	return func(s *Set, t Turn) bool { return s.Side == side && t.Pair%n == 0 }
}

// A side that forwards nothing in time that nothing disturbed was measured: the head is slower than
// anything then, and the base is broken.
func TestSilence(t *testing.T) {
	t.Parallel()
	either := func(a, b func(*Set, Turn) bool) func(*Set, Turn) bool {
		return func(s *Set, t Turn) bool { return a(s, t) || b(s, t) }
	}
	some := func(side string, pairs ...int) func(*Set, Turn) bool {
		return func(s *Set, t Turn) bool {
			for _, p := range pairs {
				if s.Side == side && t.Pair == p {
					return true
				}
			}
			return false
		}
	}
	for name, c := range map[string]struct {
		metrics string
		silent  func(*Set, Turn) bool
		verdict string
		why     string
	}{
		"the head":            {rate64, every(HeadSide, 1), Fail, "forwarding_rate/64: the head forwarded nothing in 16 of 16 pairs, the base in none, confirmed by a second series"},
		"the head's latency":  {p50, every(HeadSide, 1), Fail, "latency_p50/64: the head forwarded nothing in 16 of 16 pairs, the base in none, confirmed"},
		"the head's dearness": {cpu64, every(HeadSide, 1), Fail, "cpu_ns_per_frame/64: the head forwarded nothing in 16 of 16 pairs"},
		"the base":            {rate64, every(BaseSide, 1), Inconclusive, "the base forwarded nothing in 16 of 16 pairs, the head in none: the base is broken"},
		"the base's latency":  {p50, every(BaseSide, 1), Inconclusive, "the base forwarded nothing in 16 of 16 pairs, the head in none: the base is broken"},
		"both":                {rate64, func(*Set, Turn) bool { return true }, Inconclusive, "neither side forwarded anything in 16 of 16 pairs: the base is broken"},
		"both, latency":       {p50, func(*Set, Turn) bool { return true }, Inconclusive, "neither side forwarded anything in 16 of 16 pairs: the base is broken"},
		"the head in every second pair": {rate64, every(HeadSide, 2), Fail,
			"forwarding_rate/64: the head forwarded nothing in 16 of 32 pairs, the base in none; "},
		"the head in every fifth pair":             {rate64, every(HeadSide, 5), Fail, "the head forwarded nothing in 12 of 64 pairs, the base in none; "},
		"the head three times":                     {rate64, some(HeadSide, 3, 33, 41), Pass, ""}, // of the first look's pairs one: an accident
		"the head three times at first":            {rate64, some(HeadSide, 3, 4, 5), Inconclusive, "the head forwarded nothing in 3 of 64 pairs, the base in none; "},
		"the head once":                            {rate64, some(HeadSide, 3), Pass, ""},
		"the base once":                            {rate64, some(BaseSide, 3), Pass, ""},
		"both sides as often":                      {rate64, either(some(HeadSide, 3, 17, 31), some(BaseSide, 4, 18, 30)), Pass, ""},
		"the base in every third pair":             {rate64, every(BaseSide, 3), Inconclusive, "the base forwarded nothing in 21 of 64 pairs, the head in none: the base is broken"},
		"the head, and the base in every sixth":    {rate64, either(every(HeadSide, 1), every(BaseSide, 6)), Fail, "the base forwarded nothing in 2 of 16 pairs, the head in 16"},
		"one metric of two: its slowdown is shown": {rate64 + cpu64, every(HeadSide, 1), Fail, "; and 1 more"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base, head := newSets()
			p := policy(t, c.metrics)
			m := machineModel{rand.New(rand.NewPCG(7, 8)), always(0), 0.01, 0}
			g := m.edited(t, p, base, head, silence(c.silent))
			if g.Verdict != c.verdict || !strings.Contains(g.Why, c.why) {
				t.Errorf("%s after %d pairs: %s", g.Verdict, g.Pairs, g.Why)
			}
			if _, err := Encode(&g); err != nil { // JSON has no infinity
				t.Error(err)
			}
			if line, err := HistoryLine(&g, base.Started); err != nil {
				t.Errorf("%v: %s", err, line)
			}
			again, err := Judge(p, reread(t, base), reread(t, head))
			if err != nil || again.Report.Why != g.Why {
				t.Errorf("judged again: %s, %v", again.Report.Why, err)
			}
			if text := Table(&g) + Markdown(&g) + Benchfmt(base, head); strings.Contains(text, "Inf") || strings.Contains(text, "NaN") {
				t.Error(text)
			}
		})
	}
}

// A device that is equally unreliable on both sides fails no more often than the risk says.
func TestUnreliableDevicesKeepTheRisk(t *testing.T) {
	t.Parallel()
	p := policy(t, rate64)
	rng := rand.New(rand.NewPCG(11, 12))
	seen := map[string]int{}
	for range 300 {
		base, head := newSets()
		seen[machineModel{rng, always(0), 0.04, 0}.edited(t, p, base, head, func(_ *Set, turn *Turn, id string) {
			if *turn.Values[id] > 0 && rng.Float64() < 0.02 {
				turn.Values[id] = new(float64)
			}
		}).Verdict]++
	}
	if seen[Fail] > 0 || seen[Pass] < 200 {
		t.Errorf("both sides forward nothing in 2 %% of their turns: %v", seen)
	}
}

// Pairs in which a side forwarded nothing say nothing of a machine's noise.
func TestSilenceIsNoNoise(t *testing.T) {
	t.Parallel()
	base, head := newSets()
	machineModel{rand.New(rand.NewPCG(7, 8)), always(0), 0.01, 0}.edited(t, policy(t, rate64), base, head, silence(every(HeadSide, 1)))
	head.Turns[0].Values["forwarding_rate/64"] = base.Turns[0].Values["forwarding_rate/64"]
	if n := MeasureNoise(base, head, 0).Metrics["forwarding_rate/64"]; n.Pairs != 1 || n.Bias != 0 {
		t.Errorf("%+v", n)
	}
}
