package page

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/reports/frame"
	"github.com/tunnelbench/tunnelbench/reports/interop"
)

// sample returns a report with a cell of each outcome. An end is named after a script of the user.
func sample() *interop.Report {
	at := time.Date(2026, 11, 29, 1, 2, 3, 0, time.UTC)
	return &interop.Report{
		CPU: "a CPU", Kernel: "6.18", Command: []string{"tunnelbench", "interop"}, Started: at, Ended: at.Add(90 * time.Second),
		Ends: []string{"ours", "exec:<b>.sh"}, Checks: []interop.CheckInfo{{Name: "sizes", Doc: "all sizes"}, {Name: "rekey", Doc: "two minutes"}},
		Cells: []interop.Cell{
			{Left: "ours", Right: "ours", Check: "sizes", Outcome: interop.Passed},
			{Left: "ours", Right: "ours", Check: "rekey", Outcome: interop.NoVerdict, Why: "ended by SIGINT"},
			{Left: "ours", Right: "exec:<b>.sh", Check: "sizes", Outcome: interop.Unsupported, Why: "no such program"},
			{Left: "ours", Right: "exec:<b>.sh", Check: "rekey", Outcome: interop.Unsupported, Why: "no such program"},
			{Left: "exec:<b>.sh", Right: "ours", Check: "sizes", Outcome: interop.Passed},
			{Left: "exec:<b>.sh", Right: "ours", Check: "rekey", Outcome: interop.Failed, Why: "lost 1 of 9 packets"},
			{Left: "exec:<b>.sh", Right: "exec:<b>.sh", Check: "sizes", Outcome: interop.Passed},
			{Left: "exec:<b>.sh", Right: "exec:<b>.sh", Check: "rekey", Outcome: interop.Passed},
		},
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	want := `left ours, right  ours    exec:<b>.sh
sizes             passed  –
rekey             ?       –

left exec:<b>.sh, right  ours    exec:<b>.sh
sizes                    passed  passed
rekey                    FAILED  passed

failed: rekey, left exec:<b>.sh, right ours: lost 1 of 9 packets
no verdict: rekey, left ours, right ours: ended by SIGINT
unsupported: all checks, left ours, right exec:<b>.sh: no such program
failed: 4 of 8 cells passed, 1 failed, 1 no verdict, 2 unsupported
`
	if diff := cmp.Diff(want, Text(sample())); diff != "" {
		t.Error(diff)
	}
}

// The page is the same each time, allows nothing but its style sheet, and shows names of the user as text.
func TestHTML(t *testing.T) {
	t.Parallel()
	page, err := HTML(sample())
	if err != nil {
		t.Fatal(err)
	}
	again, err := HTML(sample())
	if err != nil || !bytes.Equal(page, again) {
		t.Errorf("the second page differs (%v)", err)
	}
	text := string(page)
	for _, want := range []string{
		"<style>" + frame.CSS + "</style>", "default-src &#39;none&#39;", "<strong>FAILED</strong>", "exec:&lt;b&gt;.sh", "lost 1 of 9 packets",
		"4 of 8 cells passed", "2026-11-29 01:02:03 UTC", "1m30s",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, never := range []string{"<b>", "<script", "http://", "https://"} {
		if strings.Contains(text, never) {
			t.Errorf("the page has %q", never)
		}
	}
}
