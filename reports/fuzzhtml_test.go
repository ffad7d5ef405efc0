package reports

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/reports/frame"

	"github.com/tunnelbench/tunnelbench/fuzz/report"
	"github.com/tunnelbench/tunnelbench/reports/charts"
	"github.com/tunnelbench/tunnelbench/reports/result/resulttest"
	"github.com/tunnelbench/tunnelbench/reports/show"
)

func renderFuzz(t *testing.T, f *report.Campaign) []byte {
	t.Helper()
	page, err := FuzzHTML(f)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

func TestFuzzPage(t *testing.T) {
	page := renderFuzz(t, campaign())
	count := map[string]int{}
	for _, e := range checkPage(t, page) {
		count[e.name]++
		if e.name == "meta" && e.attr["http-equiv"] != "" && e.attr["content"] != frame.Policy() {
			t.Errorf("policy %q", e.attr["content"])
		}
	}
	if count["h1"] != 1 || count["figure"] != 2 || count["figcaption"] != 2 || count["table"] != 3 {
		t.Errorf("headings, figures and tables: %v", count)
	}
	text := string(page)
	for _, want := range []string{
		"Attacked header, decap and config with inputs made up by native, in 2m11s.",
		"<bdi>2 findings in 1 of 3 targets</bdi>", "of 3 targets, for 3m56s of CPU time.",
		"the engine ended: exit status 2: out of memory", "not attacked to the end",
		"reference/header.go:42 reference.Parse", "Input, 6 octets", "00000000  00 08 3c 62 3e ff", "|..&lt;b&gt;.|",
		"Input, the first 256 of 1100 octets", "000000f0  ", "AMD EPYC 9R14",
		"tunnelbench fuzz run --target header,decap,config --time 1m", "The numbers",
		"tunnelbench fuzz repro --target header fuzz/wire/testdata/fuzz/FuzzHeader/582528ddfad69eb5",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in the page", want)
		}
	}
	if strings.Contains(text, "00000100  ") {
		t.Error("the dump goes on behind 256 octets")
	}
	if !bytes.Equal(page, renderFuzz(t, campaign())) {
		t.Error("the same campaign gave other bytes")
	}
}

func TestFuzzPageEscapesHostileTexts(t *testing.T) {
	for _, name := range resulttest.Hostile {
		page := renderFuzz(t, hostileCampaign(name))
		checkPage(t, page)
		if strings.ContainsAny(name, `<"`) && bytes.Contains(page, []byte(name)) {
			t.Errorf("%q stands in the page as it is", name)
		}
	}
}

func TestFuzzPageOfPoorCampaigns(t *testing.T) {
	zero := crowd(2)
	for i := range zero.Targets {
		zero.Targets[i].Samples = make([]report.Sample, 3)
	}
	huge := crowd(2)
	huge.Targets[0].Samples = []report.Sample{{Elapsed: 1, Executions: 1, Coverage: 1}, {Elapsed: 1<<63 - 1, Executions: 1<<63 - 1, Coverage: 1<<63 - 1}}
	late := campaign()
	late.Targets[0].Samples = []report.Sample{{Elapsed: time.Nanosecond, Coverage: 5}}
	empty := campaign()
	empty.Targets[0].Findings = []report.Finding{{}}
	for name, f := range map[string]*report.Campaign{"nothing": {}, "unnamed": {Targets: make([]report.Target, 2)}, "zeros": zero, "huge": huge, "one sample": late, "empty finding": empty} {
		page := renderFuzz(t, f)
		checkPage(t, page)
		if bytes.Contains(page, []byte("NaN")) || bytes.Contains(page, []byte("Inf")) {
			t.Errorf("%s: a number that is none", name)
		}
	}
	for _, want := range []string{"No verdict: nothing was attacked", "No input was tried.", "No input broke an oracle.", "Nothing was sampled"} {
		if !strings.Contains(string(renderFuzz(t, &report.Campaign{})), want) {
			t.Errorf("no %q in the page of nothing", want)
		}
	}
}

// The page names what it leaves out.
func TestFuzzPageIsBounded(t *testing.T) {
	f := campaign()
	f.Targets[0].Findings = slices.Repeat(f.Targets[0].Findings, 150)
	f.Targets[0].Findings[0].Stack = slices.Repeat(f.Targets[0].Findings[0].Stack, 20)
	text := string(renderFuzz(t, f))
	if n := strings.Count(text, `class="finding"`); n != pageFindings || !strings.Contains(text, "100 more are in fuzz.json") {
		t.Errorf("%d findings of 300 are shown", n)
	}
	if !strings.Contains(text, "… 36 more") {
		t.Error("a stack of 60 frames has not its end")
	}
	many := crowd(12)
	for i := range many.Targets {
		many.Targets[i].Error = "stopped"
	}
	text = string(renderFuzz(t, many))
	if !strings.Contains(text, "<bdi>6 more</bdi>") || !strings.Contains(text, "target-5 and 6 more") {
		t.Error("twelve targets are not counted")
	}
}

// A chart has at most eight lines. With more targets the page shows only the tables, without losing
// a number.
func TestFuzzCharts(t *testing.T) {
	drawn, tables := charts.OfCampaign(crowd(8))
	if len(drawn) != 2 || tables != nil {
		t.Fatalf("%d charts and %d tables of 8 targets", len(drawn), len(tables))
	}
	for _, c := range drawn {
		if len(c.Legend) != 8 || len(c.Table.Rows) != 8 || c.Caption == "" {
			t.Errorf("%s: %d lines, %d rows", c.ID, len(c.Legend), len(c.Table.Rows))
		}
		for _, row := range c.Table.Rows {
			if len(row) != len(c.Table.Head) {
				t.Errorf("%s: row %q under head %q", c.ID, row, c.Table.Head)
			}
		}
	}
	drawn, tables = charts.OfCampaign(crowd(9))
	if drawn != nil || len(tables) != 2 || len(tables[0].Table.Rows) != 9 {
		t.Errorf("%d charts and %d tables of 9 targets", len(drawn), len(tables))
	}
	checkPage(t, renderFuzz(t, crowd(9)))
}

// A chart's table has the last value at or before each moment, and no value for a target that had
// ended by then.
func TestFuzzChartTable(t *testing.T) {
	f := crowd(3)
	f.Targets[1].Elapsed, f.Targets[1].Samples = 30*time.Second, f.Targets[1].Samples[:10]
	f.Targets[2].Samples = f.Targets[2].Samples[15:]
	drawn, _ := charts.OfCampaign(f)
	c := drawn[1]
	for i, want := range [][]string{
		{"target", "7.50 s", "15.0 s", "22.5 s", "30.0 s", "37.5 s", "45.0 s", "52.5 s", "60.0 s"},
		{"target-0", "100", "250", "350", "500", "600", "750", "850", "1000"},
		{"target-1", "100", "250", "350", "500", show.None, show.None, show.None, show.None},
		{"target-2", show.None, show.None, show.None, show.None, show.None, show.None, "850", "1000"},
	} {
		got := append([][]string{c.Table.Head}, c.Table.Rows...)[i]
		for j := range got {
			got[j] = show.PlainText.Replace(got[j])
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
