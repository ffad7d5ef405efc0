package reports

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/result/resulttest"
)

// historyOf is a history of two machines: on the first the rate falls by a tenth with run 13.
func historyOf(t *testing.T, name string) []HistoryRun {
	t.Helper()
	var lines bytes.Buffer
	for i := range 24 {
		rate := 1 + 0.004*float64(i%5-2)
		if i >= 12 {
			rate *= 0.9
		}
		slow, cpu := 1-rate, 0.002*float64(i%3)
		g := &Gate{
			Verdict: GatePass, Device: "reference", Pairs: 16, Host: result.Host{CPU: "one", Kernel: "6.1", Cores: 2},
			Base: GateSide{Revision: "v1", Commit: "aaaa"}, Head: GateSide{Revision: "HEAD", Commit: fmt.Sprintf("%s%04d", name, i)},
			Metrics: []GateMetric{
				{ID: "forwarding_rate/64", Better: 1, Verdict: GatePass, Series: []GateSeries{{Slowdown: &slow, Lower: ptr(slow - 0.01), Upper: ptr(slow + 0.01)}}},
				{ID: "cpu_ns_per_frame/64", Better: -1, Verdict: GateFail, Series: []GateSeries{{Slowdown: &cpu, Lower: ptr(cpu - 0.02), Upper: ptr(cpu + 0.01)}}},
				{ID: "binary_size", Better: -1, Verdict: GatePass},
			},
		}
		if i%6 == 5 {
			g.Host.CPU = "other"
		}
		line, err := HistoryLine(g, time.Date(2026, 3, 1+i, 0, 0, 0, 0, time.UTC))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Count(line, []byte("\n")) != 1 || len(line) > 2048 {
			t.Fatalf("a line of %d octets: %q", len(line), line)
		}
		lines.Write(line)
	}
	runs, err := ReadHistory(&lines, "history")
	if err != nil || len(runs) != 24 {
		t.Fatalf("%d runs, %v", len(runs), err)
	}
	return runs
}

func ptr(v float64) *float64 { return &v }

func TestHistory(t *testing.T) {
	runs := historyOf(t, "")
	page, err := HistoryHTML(runs)
	if err != nil {
		t.Fatal(err)
	}
	checkPage(t, page)
	text := string(page)
	for _, want := range []string{
		"worse since about commit 0012", "the ratio went from 1.000 to 0.900", "changed here",
		"reference against v1, on one, 2 cores", "reference against v1, on other, 2 cores",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Count(text, "changed here") != 1 {
		t.Error("changes where there are none")
	}
	// Out of order in the file: by time in the page.
	runs[0], runs[20] = runs[20], runs[0]
	again, err := HistoryHTML(runs)
	if err != nil || !bytes.Equal(page, again) {
		t.Errorf("%v, or another page of the same runs", err)
	}
	if _, err := HistoryHTML(nil); err == nil {
		t.Error("a page on nothing")
	}
}

func TestHistoryOfHostileNames(t *testing.T) {
	for _, name := range resulttest.Hostile {
		if len(name) > 100 || strings.Contains(name, "\xff") {
			continue
		}
		page, err := HistoryHTML(historyOf(t, name))
		if err != nil {
			t.Fatal(err)
		}
		checkPage(t, page)
	}
}

func TestBadHistoryIsOneLine(t *testing.T) {
	good, err := HistoryLine(&Gate{Verdict: GatePass, Metrics: []GateMetric{
		{ID: "x", Better: 1, Verdict: GatePass, Series: []GateSeries{{Slowdown: ptr(0), Lower: ptr(-0.1), Upper: ptr(0.1)}}}}}, time.Unix(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	line := strings.TrimSpace(string(good))
	for _, c := range []struct{ text, want string }{
		{"", "no line"},
		{line + "\n{}\n", "line 2"},
		{line + "\nnonsense", "line 2"},
		{strings.Replace(line, `history/1`, `history/2`, 1), "/schema"},
		{strings.Replace(line, `"ratio":1`, `"ratio":-1`, 1), "/metrics/0/ratio"},
		{strings.Replace(line, `"ratio":1`, `"ratio":NaN`, 1), "line 1"},
		{strings.Replace(line, `"ratio":1`, `"ratio":3`, 1), "not within"},
		{strings.Replace(line, `"verdict":"pass","pairs"`, `"verdict":"fine","pairs"`, 1), "/verdict"},
		{strings.Replace(line, `"base":""`, `"base":"","base":""`, 1), "base"},
		{line + "\n" + strings.Repeat("x", mostHistoryLine+1), "line 2: is longer"},
	} {
		_, err := ReadHistory(strings.NewReader(c.text), "h.jsonl")
		if err == nil || strings.Contains(err.Error(), "\n") || !strings.HasPrefix(err.Error(), "h.jsonl: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.60q: %v, want %q", c.text, err, c.want)
		}
	}
	if _, err := HistoryLine(&Gate{Verdict: "fine"}, time.Unix(0, 0)); err == nil {
		t.Error("a line that nobody could read")
	}
}

func BenchmarkHistory(b *testing.B) {
	var runs []HistoryRun
	for i := range mostHistoryRuns {
		r := HistoryRun{Started: time.Unix(int64(i), 0), Verdict: GatePass}
		for _, id := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
			v := 1 + 0.001*float64(i%7)
			r.Metrics = append(r.Metrics, HistoryMetric{ID: id, Better: 1, Ratio: v, Lower: v, Upper: v, Verdict: GatePass})
		}
		runs = append(runs, r)
	}
	for b.Loop() {
		if _, err := HistoryHTML(runs); err != nil {
			b.Fatal(err)
		}
	}
}
