package reports

import (
	"bytes"
	"math/rand/v2"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/tunnelbench/tunnelbench/reports/conformance"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/result/resulttest"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// hostilePieces are fragments of markup, scripts and terminal control sequences.
var hostilePieces = append([]string{
	"<", ">", "\"", "'", "&", "=", "/", "`", "{{", "}}", "{{template \"run\" .}}", "<!--", "-->", "<![CDATA[", "]]>", "<svg", "onload=", "</", "script", "style",
	"</svg>", "<foreignObject>", "<a href=", "javascript:", "data:text/html,", "&#x3c;", "&lt", "%3Cscript%3E", "\\u003c", "\x1b[", "\x9b", "\r\n", "\t", "\x00", "\u2028", "\u202e",
	"\u200b", "\ufeff", "\xff", "\xc0\xbc", "\xf0\x9f", "🙂", "a", "0", " ", ";", ":", "#", "|", "*", "_", "[x](y)", "@someone", "^", "+", "-", "=1+1",
}, resulttest.Hostile...)

// hostileName joins a few random pieces.
func hostileName(gen *rand.Rand) string {
	var b strings.Builder
	for range 1 + gen.IntN(6) {
		b.WriteString(hostilePieces[gen.IntN(len(hostilePieces))])
	}
	return b.String()
}

// hostileRun returns a run with a different hostile name in each text field, and their number.
func hostileRun(gen *rand.Rand) (r *result.Results, names int) {
	name := func() string {
		names++
		return hostileName(gen)
	}
	r = resulttest.Fixture()
	r.Tool, r.Profile, r.Command = result.Tool{Version: name(), Commit: name(), Go: name()}, name(), []string{name(), name()}
	r.Host.CPU, r.Host.Kernel, r.Host.Virtual, r.Host.CPUPlan = name(), name(), name(), name()
	r.Host.Changed, r.Host.Notes = []string{name()}, []string{name()}
	r.Host.Sysctls, r.Host.Offloads = map[string]string{name(): name()}, map[string]string{name(): name()}
	r.Results = nil
	for range 40 {
		v := 1000 * gen.Float64()
		r.Results = append(r.Results, result.Result{
			DUT: name(), Direction: name(), Kind: result.KindPlain, Test: name(), FrameSize: 64, Valid: gen.IntN(2) == 0, LimitedBy: name(),
			Shortfalls: []rfc2544.Shortfall{{What: name(), Got: name(), Asked: name(), Section: name()}},
			Warnings:   []string{name()}, Error: name(), Values: []rfc2544.Value{{Name: "pdr", Unit: name(), Value: v}, {Name: name(), Unit: "ns", Value: v}},
			Trials: []rfc2544.Observation{{Counts: rfc2544.Counts{Offered: 9, Lost: 9}, Valid: true, Duration: 1, Drops: rfc2544.Drops{{Node: name(), Device: name(), Kind: name(), Frames: 3}}, Invalid: rfc2544.Reasons{{Code: rfc2544.Stalled, Text: name()}}, Warnings: []string{name()}}},
		})
	}
	return r, names
}

// TestNamesStayText checks that hostile names stay text in the page, in Markdown and in
// spreadsheets. TB_NAMES sets the number of names; the default is 4,000.
func TestNamesStayText(t *testing.T) {
	most := 4000
	if text := os.Getenv("TB_NAMES"); text != "" {
		var err error
		if most, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	gen := rand.New(rand.NewPCG(6, 6))
	tried := 0
	for tried < most && !t.Failed() {
		r, names := hostileRun(gen)
		tried += names
		var page bytes.Buffer
		if err := HTML(&page, r); err != nil {
			t.Fatal(err)
		}
		checkPage(t, page.Bytes())
		checkMarkdown(t, string(formatMarkdown([]*result.Results{r})))
	}
	t.Logf("%d names", tried)
}

// escaped matches an escaped Markdown character.
var escaped = regexp.MustCompile(`\\.`)

// checkMarkdown checks that every line is a table row with as many cells as the head, and that no
// cell has control characters, HTML, links or mentions.
func checkMarkdown(t *testing.T, text string) {
	t.Helper()
	text = escaped.ReplaceAllString(text, "")
	if strings.ContainsAny(text, "<>\x1b\r\u202e\x00`[") || strings.Contains(text, "@") {
		t.Errorf("markup in %q", text)
	}
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		if cells := strings.Count(line, "|"); cells != 0 && cells != 9 {
			t.Errorf("%d bars in %q", cells, line)
		}
	}
}

// largest returns a run far larger than any profile produces: 12 devices, 7 sizes, two tests each,
// 30 trials each.
func largest() *result.Results {
	r := resulttest.Fixture()
	gen := rand.New(rand.NewPCG(9, 9))
	r.Results = nil
	for _, size := range conformance.StandardSizes() {
		for d := range 12 {
			base := result.Result{DUT: "device" + strconv.Itoa(d), Kind: result.KindPlain, FrameSize: size, Direction: "forward", Valid: true, LimitedBy: result.LimitedByDUT}
			capacity := 1e5 * float64(d+1)
			rate := resulttest.RateResult(gen, base, capacity)
			rate.Trials = append(rate.Trials, rate.Trials...)
			r.Results = append(r.Results, rate, resulttest.LatencyResult(gen, base, capacity, 9000, 900))
		}
	}
	return r
}

func BenchmarkLargestPage(b *testing.B) {
	r := largest()
	for b.Loop() {
		var page bytes.Buffer
		if err := HTML(&page, r); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(page.Len()), "octets")
	}
}
