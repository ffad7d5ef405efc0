package reports

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/ci/gate"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/result/resulttest"
)

// historyOf returns a history of two machines; on the first the rate falls by a tenth at run 13.
func historyOf(t *testing.T, name string) []gate.HistoryRun {
	t.Helper()
	var lines bytes.Buffer
	for i := range 24 {
		rate := 1 + 0.004*float64(i%5-2)
		if i >= 12 {
			rate *= 0.9
		}
		slow, cpu := 1-rate, 0.002*float64(i%3)
		g := &gate.Report{
			Verdict: gate.Pass, Device: "reference", Pairs: 16, Host: result.Host{CPU: "one", Kernel: "6.1", Cores: 2},
			Base: gate.Side{Revision: "v1", Commit: "aaaa"}, Head: gate.Side{Revision: "HEAD", Commit: fmt.Sprintf("%s%04d", name, i)},
			Metrics: []gate.Metric{
				{ID: "forwarding_rate/64", Better: 1, Verdict: gate.Pass, Series: []gate.Series{{Slowdown: &slow, Lower: ptr(slow - 0.01), Upper: ptr(slow + 0.01)}}},
				{ID: "cpu_ns_per_frame/64", Better: -1, Verdict: gate.Fail, Series: []gate.Series{{Slowdown: &cpu, Lower: ptr(cpu - 0.02), Upper: ptr(cpu + 0.01)}}},
				{ID: "binary_size", Better: -1, Verdict: gate.Pass},
			},
		}
		if i%6 == 5 {
			g.Host.CPU = "other"
		}
		line, err := gate.HistoryLine(g, time.Date(2026, 3, 1+i, 0, 0, 0, 0, time.UTC))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Count(line, []byte("\n")) != 1 || len(line) > 2048 {
			t.Fatalf("a line of %d octets: %q", len(line), line)
		}
		lines.Write(line)
	}
	runs, _, err := gate.ReadHistory(lines.Bytes(), "history")
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
	// Unordered in the file, ordered by time in the page.
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

func BenchmarkHistory(b *testing.B) {
	var runs []gate.HistoryRun
	for i := range mostHistoryRuns {
		r := gate.HistoryRun{Started: time.Unix(int64(i), 0), Verdict: gate.Pass}
		for _, id := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
			v := 1 + 0.001*float64(i%7)
			r.Metrics = append(r.Metrics, gate.HistoryMetric{ID: id, Better: 1, Ratio: v, Lower: v, Upper: v, Verdict: gate.Pass})
		}
		runs = append(runs, r)
	}
	for b.Loop() {
		if _, err := HistoryHTML(runs); err != nil {
			b.Fatal(err)
		}
	}
}
