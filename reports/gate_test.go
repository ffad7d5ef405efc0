package reports

import (
	"encoding/xml"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tunnelbench/tunnelbench/internal/junit"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/result/resulttest"
)

func smallGate() *Gate {
	n := func(v float64) *float64 { return &v }
	return &Gate{
		Verdict: GateFail, Why: "forwarding_rate/64: 10.0 % slower", Device: "reference",
		Base: GateSide{Revision: "main", Commit: strings.Repeat("a", 40)}, Head: GateSide{Revision: "HEAD", Commit: strings.Repeat("b", 40)},
		Host: result.Host{CPU: "a cpu", Kernel: "6.18", Cores: 2}, Risk: 0.01, Looks: []int{16, 32, 64}, Pairs: 32,
		Command: []string{"tunnelbench", "gate", "--base", "main"},
		Metrics: []GateMetric{
			{ID: "forwarding_rate/64", Unit: "fps", Better: 1, Limit: 0.05, Margin: 0.01, Base: n(1e6), Head: n(9e5), Verdict: GateFail, Why: "10.0 % slower",
				Series: []GateSeries{{16, 0, n(0.1), n(0.08), n(0.12), GateFail}, {16, 0, n(0.1), n(0.08), n(0.12), GateFail}}},
			{ID: "latency_p50/64", Unit: "ns", Better: -1, Limit: 0.1, Base: n(2e4), Head: n(2.1e4), Verdict: GateInconclusive, Why: "5 % slower; too noisy",
				Series: []GateSeries{{60, 4, n(0.05), n(-0.08), n(0.12), GateInconclusive}}},
			{ID: "cpu_ns_per_frame/64", Unit: "ns", Better: -1, Limit: 0.05, Verdict: GateEnvironment, Why: "9 of 16 pairs had a half that is not valid",
				Series: []GateSeries{{7, 9, nil, nil, nil, GateEnvironment}}},
			{ID: "latency_p99/64", Unit: "ns", Better: -1, Verdict: GateShown, Why: "none", Series: []GateSeries{}},
			{ID: "binary_size", Unit: "octets", Better: -1, Limit: 0.05, Base: n(7e6), Head: n(7e6), Verdict: GatePass, Why: "no slower", Series: []GateSeries{}},
		},
		Warnings: []string{"a warning"},
	}
}

func TestGateTexts(t *testing.T) {
	g := smallGate()
	file, err := GateJUnit(g)
	if err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{"gate.txt": GateTable(g), "gate.md": GateMarkdown(g), "gate.junit.xml": string(file)} {
		resulttest.Golden(t, file, []byte(text))
	}
}

// A file of benchstat's: the header's keys, lines of name, count, value and unit.
func TestGateBenchfmt(t *testing.T) {
	base, head := smallSet(), smallSet()
	base.Side = BaseSide
	want := "side: base\ncommit: c\nBenchmarkGate/dut=reference/metric=forwarding_rate/64 1 1.5 fps\nBenchmarkGate/dut=reference/metric=forwarding_rate/64 1 2.5 fps\n\n" +
		"side: head\ncommit: c\nBenchmarkGate/dut=reference/metric=forwarding_rate/64 1 1.5 fps\nBenchmarkGate/dut=reference/metric=forwarding_rate/64 1 2.5 fps\n\n"
	if got := GateBenchfmt(base, head); got != want {
		t.Errorf("%s", got)
	}
}

// Names come from pull requests: whatever they are, the comment has no markup but its own,
// calls nobody, and stays below the limit.
func TestGateMarkdownIsInert(t *testing.T) {
	seed := uint64(5)
	rng := rand.New(rand.NewPCG(seed, 6))
	pieces := []string{"<script>", "</details>", "@everyone", "#12", "|", "`", "```", "\n", "\r\n# x", "![x](http://e.x/i.png)", "[a](javascript:x)", "https://e.x", "<!-- x", "-->", "&lt;", "\x1b[31m", "\u202e", "**b**", "é", "$x$", "\\", strings.Repeat("y", 50)}
	hostile := func() string {
		var b strings.Builder
		for range rng.IntN(6) {
			b.WriteString(pieces[rng.IntN(len(pieces))])
		}
		return b.String()
	}
	for range 20000 {
		g := smallGate()
		g.Device, g.Why, g.Base.Revision, g.Head.Commit, g.Host.CPU = hostile(), hostile(), hostile(), hostile(), hostile()
		g.Metrics[0].ID, g.Metrics[0].Unit, g.Warnings = hostile(), hostile(), []string{hostile(), strings.Repeat(hostile(), 400)}
		g.Command = []string{hostile(), hostile()}
		text := GateMarkdown(g)
		if len(text) > mostComment {
			t.Fatalf("%d octets", len(text))
		}
		body := strings.TrimPrefix(text, GateMarker)
		for _, own := range []string{"<details><summary>How it was measured</summary>", "</details>"} {
			body = strings.Replace(body, own, "", 1)
		}
		prose, command, _ := strings.Cut(body, "\n    ")
		for _, bad := range []string{"<", "@", "](", "://", "```", "\x1b", "\u202e", "\r"} {
			if strings.Contains(prose, bad) {
				t.Fatalf("seed %d: %q in %q", seed, bad, prose)
			}
		}
		if rows := strings.Count(prose, "\n|"); rows != 2+len(g.Metrics) {
			t.Fatalf("seed %d: %d rows: %q", seed, rows, prose)
		}
		if strings.Count(command, "\n\n") > 2 { // it ends its block, and the details
			t.Fatalf("seed %d: the command leaves its block: %q", seed, command)
		}
	}
}

func TestGateJUnitParses(t *testing.T) {
	for _, verdict := range []string{GatePass, GateFail, GateInconclusive, GateEnvironment} {
		g := &Gate{Verdict: verdict, Why: "it <died>\x00", Device: "a&b"}
		data, err := GateJUnit(g)
		if err != nil {
			t.Fatal(err)
		}
		var suites junit.Suites
		if err := xml.Unmarshal(data, &suites); err != nil {
			t.Errorf("%s: %v", data, err)
		}
		if want := verdict == GateFail || verdict == GateEnvironment; (suites.Suite.Failures == 1) != want || suites.Suite.Tests != len(suites.Suite.Cases) {
			t.Errorf("%s: %s", verdict, data)
		}
	}
}

func TestLongMarkdownIsCut(t *testing.T) {
	g := smallGate()
	for i := range 2000 {
		g.Warnings = append(g.Warnings, fmt.Sprintf("é%d", i))
	}
	if text := GateMarkdown(g); len(text) > mostComment || !strings.HasSuffix(text, "(cut: gate.json has it all)\n") {
		t.Errorf("%d octets, ends in %q", len(text), text[len(text)-40:])
	}
}
