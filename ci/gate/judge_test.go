package gate

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/internal/strictyaml"
)

func policy(t testing.TB, metrics string) Policy {
	t.Helper()
	text := "schema: tunnelbench.policy/1\nrisk: 0.01\nlooks: [16, 32, 64]\nshares: [0.1, 0.3, 0.6]\nmargin: 1%\nmost_dropped: 20%\nmetrics:\n" + metrics
	p, err := ParsePolicy([]byte(text), "test")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const (
	rate64 = "  - {name: forwarding_rate, frame_size: 64, limit: 5%}\n"
	cpu64  = "  - {name: cpu_ns_per_frame, frame_size: 64, limit: 5%}\n"
	p99    = "  - {name: latency_p99, frame_size: 64, shown: true}\n"
	size   = "  - {name: binary_size, limit: 5%, exact: true}\n"
	alloc  = "  - {name: allocations_per_frame, frame_size: 64, limit: 0.05, exact: true}\n"
)

func always(v float64) func(int) float64 { return func(int) float64 { return v } }

func TestVerdicts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		metrics  string
		slowdown func(int) float64
		noise    float64
		invalid  float64
		prepare  func(p *Policy, base, head *Set)
		verdict  string
		why      string
		pairs    int
	}{
		"no difference":             {rate64 + cpu64, always(0), 0.01, 0, nil, Pass, "each of 2 metrics", 16},
		"faster":                    {rate64 + cpu64, always(-0.2), 0.01, 0, nil, Pass, "each of 2 metrics", 16},
		"slower by ten per cent":    {rate64, always(0.1), 0.02, 0, nil, Fail, "forwarding_rate/64: 10.", 32},
		"dearer by ten per cent":    {cpu64, always(0.1), 0.02, 0, nil, Fail, "cpu_ns_per_frame/64: ", 32},
		"below the limit":           {rate64, always(0.03), 0.005, 0, nil, Pass, "each of 1 metrics", 16},
		"not reproduced":            {rate64, func(s int) float64 { return 0.1 * float64(2-s) }, 0.02, 0, nil, Inconclusive, "not reproduced: first 9.8 % slower", 32},
		"too noisy":                 {rate64, always(0), 0.5, 0, nil, Inconclusive, "in 64 pairs this machine can show", 64},
		"too much dropped":          {rate64, always(0), 0.01, 0.3, nil, Inconclusive, "had a half that is not valid", 16},
		"some dropped":              {rate64, always(0), 0.01, 0.02, nil, Pass, "each of", 16},
		"shown is not judged":       {rate64 + p99, always(0), 0.01, 0, nil, Pass, "each of 1", 16},
		"binary grew":               {rate64 + size, always(0), 0.01, 0, func(_ *Policy, _, h *Set) { h.Builds[0].Octets = 1100 }, Fail, "binary_size: 10.0 % slower is more than 5%", 16},
		"binary grew a little":      {rate64 + size, always(0), 0.01, 0, func(_ *Policy, _, h *Set) { h.Builds[0].Octets = 1040 }, Pass, "each of 2", 16},
		"no binary":                 {rate64 + size, always(0), 0.01, 0, func(_ *Policy, _, h *Set) { h.Builds[0].Octets = 0 }, Inconclusive, "binary_size: was not measured", 16},
		"no binary of a script's":   {rate64 + size, always(0), 0.01, 0, ofScript, Pass, "each of 1", 16},
		"allocates as before":       {rate64 + alloc, always(0), 0.01, 0, nil, Pass, "each of 2", 16},
		"acknowledged":              {rate64, always(0.1), 0.02, 0, acknowledged("2026-05-06"), Pass, "each of 1", 32},
		"acknowledged, but expired": {rate64, always(0.1), 0.02, 0, acknowledged("2026-05-05"), Fail, "forwarding_rate/64", 32},
		"its parent acknowledged":   {rate64, always(0.1), 0.02, 0, acknowledgedBelow("1234567"), Pass, "each of 1", 32},
		"the same in capitals":      {rate64, always(0.1), 0.02, 0, acknowledgedBelow("ABCDEF01"), Pass, "each of 1", 32},
		"the base's acknowledged":   {rate64, always(0.1), 0.02, 0, acknowledgedBelow("7654321"), Fail, "forwarding_rate/64", 32},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := policy(t, c.metrics)
			base, head := newSets()
			if c.prepare != nil {
				c.prepare(&p, base, head)
			}
			g := machineModel{rand.New(rand.NewPCG(7, 8)), c.slowdown, c.noise, c.invalid}.gate(t, p, base, head)
			if g.Verdict != c.verdict || !strings.Contains(g.Why, c.why) || g.Pairs != c.pairs {
				t.Errorf("%s after %d pairs: %s", g.Verdict, g.Pairs, g.Why)
			}
			if m := g.Metric("latency_p99/64"); m != nil && m.Series[0].Pairs != p.Looks[0] {
				t.Errorf("what is only shown was measured in %d pairs", m.Series[0].Pairs)
			}
			// Sets that were written and read again give the same report, byte for byte.
			again, err := Judge(p, reread(t, base), reread(t, head))
			if err != nil {
				t.Fatal(err)
			}
			first, err := Encode(&g)
			if err != nil {
				t.Fatal(err)
			}
			second, err := Encode(&again.Report)
			if err != nil || !bytes.Equal(first, second) {
				t.Errorf("judged again: %v\n%s\n%s", err, first, second)
			}
		})
	}
}

func ofScript(_ *Policy, base, head *Set) {
	base.Device, head.Device = "exec:t.sh", "exec:t.sh"
	base.Builds[0].Octets, head.Builds[0].Octets = 0, 0
}

// A gate that was killed between its two files is judged by the pairs that both have.
func TestHalfAPairIsLeftOut(t *testing.T) {
	t.Parallel()
	p := policy(t, rate64)
	base, head := newSets()
	machineModel{rand.New(rand.NewPCG(7, 8)), always(0), 0.01, 0}.gate(t, p, base, head)
	whole, err := Judge(p, base, head)
	if err != nil {
		t.Fatal(err)
	}
	last := base.Turns[len(base.Turns)-1]
	last.Pair++
	base.Turns = append(base.Turns, last)
	torn, err := Judge(p, base, head)
	if diff := cmp.Diff(whole, torn); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

// TestAllocations: 0.05 more allocations per frame fail, whatever the ratio. A value of only the
// base is no pass, and without values there is no verdict.
func TestAllocations(t *testing.T) {
	t.Parallel()
	const id = "allocations_per_frame/64"
	for name, c := range map[string]struct {
		change  func(base, head *Set)
		verdict string
		why     string
	}{
		"more": {func(_, h *Set) {
			for _, t := range h.Turns {
				*t.Values[id] += 0.2
			}
		}, Fail, id + ": +0.200 a frame is more than 0.050"},
		"not told by the head": {func(_, h *Set) {
			for _, t := range h.Turns {
				t.Values[id] = nil
			}
		}, Inconclusive, id + ": was not measured"},
		"told by neither": {func(b, h *Set) {
			for _, s := range []*Set{b, h} {
				s.Metrics = s.Metrics[:1]
				for _, t := range s.Turns {
					delete(t.Values, id)
				}
			}
		}, Pass, "each of 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := policy(t, rate64+alloc)
			base, head := newSets()
			machineModel{rand.New(rand.NewPCG(7, 8)), always(0), 0.001, 0}.gate(t, p, base, head)
			c.change(base, head)
			j, err := Judge(p, base, head)
			if err != nil || j.Report.Verdict != c.verdict || !strings.Contains(j.Report.Why, c.why) {
				t.Errorf("%s: %s, %v", j.Report.Verdict, j.Report.Why, err)
			}
		})
	}
}

func acknowledged(day string) func(*Policy, *Set, *Set) {
	return func(p *Policy, _, head *Set) {
		expires, err := time.Parse(time.DateOnly, day)
		if err != nil {
			panic(err)
		}
		p.Acknowledged = []Acknowledgment{{Metric: "forwarding_rate/64", Commit: strictyaml.Text(head.Commit[:7]), Reason: "wanted", Expires: Day{expires}}}
	}
}

// acknowledgedBelow acknowledges a commit of a change of three.
func acknowledgedBelow(commit string) func(*Policy, *Set, *Set) {
	return func(p *Policy, base, head *Set) {
		acknowledged("2026-05-06")(p, base, head)
		head.Commits = []string{head.Commit, "abcdef01" + strings.Repeat("0", 32), strings.Repeat("1234567890", 4)}
		p.Acknowledged[0].Commit = strictyaml.Text(commit)
	}
}

func reread(t *testing.T, s *Set) *Set {
	t.Helper()
	data, err := EncodeSet(s)
	if err != nil {
		t.Fatal(err)
	}
	read, err := ReadSet(bytes.NewReader(data), "set")
	if err != nil {
		t.Fatal(err)
	}
	return read
}

func TestIdenticalBinariesPassUnmeasured(t *testing.T) {
	t.Parallel()
	base, head := newSets()
	head.Builds = base.Builds
	j, err := Judge(policy(t, rate64), base, head)
	if err != nil || j.Pairs != 0 || j.Report.Verdict != Pass || !strings.Contains(j.Report.Why, "identical") {
		t.Errorf("%+v %v", j, err)
	}
}

func TestDeaths(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		base, head int
		verdict    string
	}{
		"an accident":     {0, 1, Pass},
		"the head":        {0, 2, Fail},
		"the base":        {2, 0, Environment},
		"both":            {1, 2, Environment},
		"head and a base": {1, 1, Pass},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := policy(t, rate64)
			base, head := newSets()
			machineModel{rand.New(rand.NewPCG(7, 8)), always(0), 0.001, 0}.gate(t, p, base, head)
			kill := func(s *Set, n int) {
				for i := range n {
					s.Turns[i].Died = "exit status 1"
					s.Turns[i].Values["forwarding_rate/64"] = nil
				}
			}
			kill(base, c.base)
			kill(head, c.head)
			j, err := Judge(p, base, head)
			if err != nil || j.Report.Verdict != c.verdict {
				t.Errorf("%s: %s, %v", j.Report.Verdict, j.Report.Why, err)
			}
		})
	}
}

// An interrupted gate reports that it has no verdict.
func TestEndedTooEarly(t *testing.T) {
	t.Parallel()
	p := policy(t, rate64)
	base, head := newSets()
	machineModel{rand.New(rand.NewPCG(7, 8)), always(0), 0.001, 0}.gate(t, p, base, head)
	base.Turns, head.Turns = base.Turns[:9], head.Turns[:9]
	j, err := Judge(p, base, head)
	if err != nil || j.Pairs != 16 || j.Report.Verdict != Inconclusive || !strings.Contains(j.Report.Why, "ended too early: 9 pairs, and the first look takes 16; so far no slower, most likely from ") {
		t.Errorf("%+v %v", j, err)
	}
}

func TestSetsThatAreNoPair(t *testing.T) {
	t.Parallel()
	for why, edit := range map[string]func(base, head *Set){
		"give the base's set first":     func(b, _ *Set) { b.Side = HeadSide },
		"give the head's set second":    func(_, h *Set) { h.Side = BaseSide },
		"one build has to measure both": func(_, h *Set) { h.Tool.Commit = "x" },
		"is another machine":            func(_, h *Set) { h.Host.CPU = "b" },
		"/device":                       func(_, h *Set) { h.Device = "vxlan" },
		"not halves of one gate":        func(_, h *Set) { h.Seed++ },
		"/congestion_control":           func(_, h *Set) { h.CongestionControl = "cubic" },
		"/metrics: differ":              func(_, h *Set) { h.Metrics = nil },
		"/loads: differ":                func(_, h *Set) { h.Loads = []Load{{FrameSize: 64}} },
		"a pair has two sides":          func(_, h *Set) { h.Turns = h.Turns[2:] },
		"is pair 17 of series 1":        func(_, h *Set) { h.Turns[0].Pair = 17 },
		"both sides came as number":     func(b, h *Set) { h.Turns[3].Place = b.Turns[3].Place },
		"has other metrics":             func(_, h *Set) { h.Turns[3].Values = nil },
		"is out of order":               func(b, h *Set) { b.Turns, h.Turns = slices.Delete(b.Turns, 2, 3), slices.Delete(h.Turns, 2, 3) },
		"\"stream\" is not in the policy": func(b, h *Set) {
			m := SetMetric{Name: "stream", Unit: "x", Better: 1}
			b.Metrics, h.Metrics = append(b.Metrics, m), append(h.Metrics, m)
		},
	} {
		t.Run(why, func(t *testing.T) {
			t.Parallel()
			p := policy(t, rate64)
			base, head := newSets()
			machineModel{rand.New(rand.NewPCG(7, 8)), always(0), 0.001, 0}.gate(t, p, base, head)
			edit(base, head)
			if _, err := Judge(p, base, head); err == nil || !strings.Contains(err.Error(), why) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v, want %q", err, why)
			}
		})
	}
}

// On a machine with 4 % noise per half, gates without a difference hardly ever fail, and a slowdown
// of 10 % always fails.
func TestRiskAndPower(t *testing.T) {
	t.Parallel()
	metrics := ""
	for _, size := range []string{"64", "512", "1518"} {
		metrics += "  - {name: forwarding_rate, frame_size: " + size + ", limit: 5%}\n  - {name: cpu_ns_per_frame, frame_size: " + size + ", limit: 5%}\n"
	}
	p := policy(t, metrics)
	rng := rand.New(rand.NewPCG(11, 12))
	verdicts := func(times int, slowdown float64) map[string]int {
		seen := map[string]int{}
		for range times {
			base, head := newSets()
			seen[machineModel{rng, always(slowdown), 0.04, 0.02}.gate(t, p, base, head).Verdict]++
		}
		return seen
	}
	if seen := verdicts(400, 0); seen[Fail] > 0 || seen[Pass] < 380 {
		t.Errorf("without a difference: %v", seen)
	}
	if seen := verdicts(100, 0.1); seen[Fail] < 98 {
		t.Errorf("slower by 10 %%: %v", seen)
	}
}
