package reports

import (
	"bytes"
	"strings"
	"testing"

	"github.com/tunnelbench/tunnelbench/reports/conformance"
	"github.com/tunnelbench/tunnelbench/reports/matrix"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/result/resulttest"
)

// The page contains all places that a ruling names as evidence.
func TestEvidenceIsInThePage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		run  *result.Results
	}{
		{"quick", resulttest.Fixture()}, {"full", resulttest.Suite(false)}, {"short", resulttest.Suite(true)}, {"nothing", &result.Results{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var page bytes.Buffer
			if err := HTML(&page, c.run); err != nil {
				t.Fatal(err)
			}
			for _, row := range conformanceOf(c.run, "").Rows {
				if row.Standing == conformance.Met && len(row.Links) == 0 {
					t.Errorf("%s: met, and nothing shows it", row.ID)
				}
				for _, l := range row.Links {
					if !strings.Contains(page.String(), `id="`+strings.TrimPrefix(l.Href, "#")+`"`) {
						t.Errorf("%s: %s leads nowhere", row.ID, l.Href)
					}
				}
			}
		})
	}
}

// The page and the text have a table for each test of the RFCs.
func TestRFCTables(t *testing.T) {
	r := resulttest.Suite(true)
	var page, text bytes.Buffer
	if err := HTML(&page, r); err != nil {
		t.Fatal(err)
	}
	if err := WriteText(&text, r, false); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Back-to-back frames (RFC 9004)", "latency worst case (short)", "Throughput against frame size (RFC 2544, 26.1)", "Frame loss rate (RFC 2544, 26.3)", "load, % of R"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, want := range []string{"System recovery (RFC 2544, 26.5)", "recovery_time_short", "throughput_degradation_short"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the text lacks %q", want)
		}
	}
	m := matrix.NewMatrix(r)
	if len(m.Rows) != 1 || m.Rows[0].Cells[0].Rate == nil || m.Rows[0].Cells[0].Rate.Name != m.Rate || m.Rate != "pdr" {
		t.Errorf("matrix %+v of %s", m.Rows, m.Rate)
	}
	if line := Line(&r.Results[1]); line != "vxlan, 64 bytes, throughput: throughput_short 1000.0 kfps (≥900.0)" {
		t.Errorf("line %q", line)
	}
}
