package gate

import (
	"encoding/xml"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/junit"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/result/resulttest"
)

func series(pairs, dropped int, slowdown, lower, upper float64, verdict string) Series {
	return Series{Pairs: pairs, Dropped: dropped, Slowdown: &slowdown, Lower: &lower, Upper: &upper, Verdict: verdict}
}

func smallReport() *Report {
	n := func(v float64) *float64 { return &v }
	return &Report{
		Verdict: Fail, Why: "forwarding_rate/64: 10.0 % slower", Device: "reference",
		Base: Side{Revision: "main", Commit: strings.Repeat("a", 40)}, Head: Side{Revision: "HEAD", Commit: strings.Repeat("b", 40)},
		Host: result.Host{CPU: "a cpu", Kernel: "6.18", Cores: 2}, Risk: 0.01, Looks: []int{16, 32, 64}, Pairs: 32,
		Command: []string{"tunnelbench", "gate", "--base", "main"},
		Metrics: []Metric{
			{ID: "forwarding_rate/64", Unit: "fps", Better: 1, Limit: 0.05, Margin: 0.01, Base: n(1e6), Head: n(9e5), Verdict: Fail, Why: "10.0 % slower",
				Series: []Series{series(16, 0, 0.1, 0.08, 0.12, Fail), series(16, 0, 0.1, 0.08, 0.12, Fail)}},
			{ID: "latency_p50/64", Unit: "ns", Better: -1, Limit: 0.1, Base: n(2e4), Head: n(2.1e4), Verdict: Inconclusive, Why: "5 % slower; too noisy",
				Series: []Series{series(60, 4, 0.05, -0.08, 0.12, Inconclusive)}},
			{ID: "cpu_ns_per_frame/64", Unit: "ns", Better: -1, Limit: 0.05, Verdict: Inconclusive, Why: "30 of 64 pairs had a half that is not valid",
				Series: []Series{{Pairs: 34, Dropped: 30, Verdict: Inconclusive, Cause: Spoilt}}},
			{ID: "latency_p99/64", Unit: "ns", Better: -1, Verdict: Shown, Why: "none", Series: []Series{}},
			{ID: "binary_size", Unit: "bytes", Better: -1, Limit: 0.05, Base: n(7e6), Head: n(7e6), Verdict: Pass, Why: "no slower", Series: []Series{}},
		},
		Warnings: []string{"a warning"},
	}
}

func TestTexts(t *testing.T) {
	t.Parallel()
	g := smallReport()
	file, err := JUnit(g)
	if err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{"gate.txt": Table(g), "gate.md": Markdown(g), "gate.junit.xml": string(file)} {
		resulttest.Golden(t, file, []byte(text))
	}
}

// A benchstat file has header keys and lines of name, count, value and unit.
func TestBenchfmt(t *testing.T) {
	t.Parallel()
	base, head := smallSet(), smallSet()
	base.Side = BaseSide
	want := "side: base\ncommit: c\nBenchmarkGate/dut=reference/metric=forwarding_rate/64 1 1.5 fps\nBenchmarkGate/dut=reference/metric=forwarding_rate/64 1 2.5 fps\nBenchmarkGate/dut=reference/metric=forwarding_rate/64 1 0 fps\n\n" +
		"side: head\ncommit: c\nBenchmarkGate/dut=reference/metric=forwarding_rate/64 1 1.5 fps\nBenchmarkGate/dut=reference/metric=forwarding_rate/64 1 2.5 fps\nBenchmarkGate/dut=reference/metric=forwarding_rate/64 1 0 fps\n\n"
	if got := Benchfmt(base, head); got != want {
		t.Errorf("%s", got)
	}
}

// Names come from pull requests. Whatever they are, the comment has only its own markup, mentions
// nobody and stays below the size limit.
func TestMarkdownIsInert(t *testing.T) {
	t.Parallel()
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
		g := smallReport()
		g.Device, g.Why, g.Base.Revision, g.Head.Commit, g.Host.CPU = hostile(), hostile(), hostile(), hostile(), hostile()
		g.Metrics[0].ID, g.Metrics[0].Unit, g.Warnings = hostile(), hostile(), []string{hostile(), strings.Repeat(hostile(), 400)}
		g.Command = []string{hostile(), hostile()}
		text := Markdown(g)
		if len(text) > mostComment {
			t.Fatalf("%d bytes", len(text))
		}
		body := strings.TrimPrefix(text, Marker)
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
		if strings.Count(command, "\n\n") > 2 { // one ends the code block, one the details
			t.Fatalf("seed %d: the command leaves its block: %q", seed, command)
		}
	}
}

func TestJUnitParses(t *testing.T) {
	t.Parallel()
	for _, verdict := range []string{Pass, Fail, Inconclusive, Environment} {
		g := &Report{Verdict: verdict, Why: "it <died>\x00", Device: "a&b"}
		data, err := JUnit(g)
		if err != nil {
			t.Fatal(err)
		}
		var suites junit.Suites
		if err := xml.Unmarshal(data, &suites); err != nil {
			t.Errorf("%s: %v", data, err)
		}
		if want := verdict == Fail || verdict == Environment; (suites.Suite.Failures == 1) != want || suites.Suite.Tests != len(suites.Suite.Cases) {
			t.Errorf("%s: %s", verdict, data)
		}
	}
}

func TestLongMarkdownIsCut(t *testing.T) {
	t.Parallel()
	g := smallReport()
	for i := range 2000 {
		g.Warnings = append(g.Warnings, fmt.Sprintf("é%d", i))
	}
	if text := Markdown(g); len(text) > mostComment || !strings.HasSuffix(text, "(cut: gate.json has it all)\n") {
		t.Errorf("%d bytes, ends in %q", len(text), text[len(text)-40:])
	}
}

// A gate without a verdict says what would bring one.
func TestMend(t *testing.T) {
	t.Parallel()
	const quiet = "; on a quieter machine fewer pairs decide; gate --count needs no quiet machine"
	for _, c := range []struct {
		name, verdict, cause string
		ended                *Ended
		want                 string
	}{
		{"time", Inconclusive, TooFew, &Ended{1, 9, 16, 64, 2 * time.Minute, 7500 * time.Millisecond},
			"the gate ended after 9 pairs of 7.5s, as its time, --time 2m0s, was over; the next look takes 16, the last 64: give it about --time 3m, or 9m" + quiet},
		{"time of the last look", Inconclusive, Unfinished, &Ended{2, 40, 64, 64, 20 * time.Minute, 30 * time.Second},
			"the gate ended after 40 pairs of the second series of 30s, as its time, --time 20m0s, was over; the next look takes 64: give it about --time 33m" + quiet},
		{"no pair", Inconclusive, TooFew, &Ended{1, 0, 16, 64, time.Minute, 0}, "the time, --time 1m0s, was over before the first pair: give it more" + quiet},
		{"interrupted", Inconclusive, TooFew, &Ended{1, 9, 16, 64, 0, 0}, "the gate ended after 9 pairs; the next look takes 16, the last 64: let it run to its end" + quiet},
		{"too noisy", Inconclusive, Noisy, nil, "more time changes nothing: on a quieter machine fewer pairs decide; gate --count needs no quiet machine"},
		{"a silent base", Inconclusive, BaseSilent, nil, ""},
		{"a verdict", Fail, "", nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := &Report{Verdict: c.verdict, Ended: c.ended, Metrics: []Metric{{ID: "x", Verdict: c.verdict, Cause: c.cause}}}
			if got := g.Mend(); got != c.want {
				t.Errorf("%s\nwant %s", got, c.want)
			}
			if text := Table(g); c.want != "" && !strings.HasSuffix(text, "\nWhat to do: "+c.want+"\n") {
				t.Errorf("the last line is another: %s", text)
			}
		})
	}
}

// More time does not mend what another program spoils.
func TestMendOfSpoiltPairs(t *testing.T) {
	t.Parallel()
	g := &Report{Verdict: Inconclusive, Ended: &Ended{1, 8, 16, 64, time.Minute, 7 * time.Second}, Metrics: []Metric{
		{ID: "x", Verdict: Inconclusive, Cause: TooFew, Series: []Series{{Pairs: 2, Dropped: 6}}},
	}}
	for _, want := range []string{"give it about --time 2m, or 8m. ", "More time alone hardly helps: 75 % of the pairs", "End what runs beside the gate"} {
		if got := g.Mend(); !strings.Contains(got, want) {
			t.Errorf("%s lacks %q", got, want)
		}
	}
}
