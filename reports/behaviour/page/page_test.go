package page

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/reports/behaviour"
	"github.com/tunnelbench/tunnelbench/reports/frame"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// sample returns the findings about two devices, one of which is named after a script of the user.
func sample() *behaviour.Report {
	at := time.Date(2026, 11, 29, 1, 2, 3, 0, time.UTC)
	return &behaviour.Report{
		CPU: "a CPU", Command: []string{"tunnelbench", "behaviour"}, Started: at, Ended: at.Add(90 * time.Second),
		Tests: []behaviour.TestInfo{{Name: "ecn", Doc: "the ECN field"}, {Name: "overhead", Doc: "octets on the wan"}},
		Devices: []behaviour.Device{
			{Device: "ours", Findings: []behaviour.Finding{
				{Test: "ecn", Verdict: behaviour.Pass, Rule: "RFC 6040 section 4", Facts: []behaviour.Fact{{Name: "ingress", Is: "normal"}}},
				{Test: "overhead", Verdict: behaviour.None, Values: []rfc2544.Value{{Name: "overhead_64", Unit: "octets/packet", Value: 46, N: 100}}},
			}},
			{Device: "exec:<b>.sh", Findings: []behaviour.Finding{
				{Test: "ecn", Verdict: behaviour.Fail, Rule: "RFC 6040 section 4.2", Why: "CE was lost: <i>"},
				{Test: "overhead", Verdict: behaviour.NotMeasured, Why: "ended by SIGINT"},
			}},
		},
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
		"<style>" + frame.CSS + "</style>", "default-src &#39;none&#39;", "<strong>fail</strong>", "exec:&lt;b&gt;.sh", "CE was lost: &lt;i&gt; (RFC 6040 section 4.2)",
		"Devices: 2, tests: 2, pass: 1, fail: 1, none: 1, not-measured: 1.", "overhead_64 46 octets/packet", "2026-11-29 01:02:03 UTC", "1m30s",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, never := range []string{"<b>", "<i>", "<script", "http://", "https://"} {
		if strings.Contains(text, never) {
			t.Errorf("the page has %q", never)
		}
	}
}
