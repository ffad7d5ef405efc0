package reports

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tunnelbench/tunnelbench/fuzz/report"
	"github.com/tunnelbench/tunnelbench/reports/charts"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/result/resulttest"
)

// TestRunsOfSeveralMachinesInOnePage checks that the page groups runs by machine, each with its own
// numbers and ids.
func TestRunsOfSeveralMachinesInOnePage(t *testing.T) {
	one, other, again := resulttest.Fixture(), resulttest.Fixture(), resulttest.HostileFixture(`"><script>x</script>`)
	other.Host.CPU = "Ampere Altra"
	again.Host = one.Host
	var b bytes.Buffer
	if err := HTML(&b, one, other, again); err != nil {
		t.Fatal(err)
	}
	all := checkPage(t, b.Bytes())
	var heads, runs []string
	for _, e := range all {
		switch {
		case e.name == "h2" && e.attr["class"] == "host":
			heads = append(heads, strings.Fields(e.text)[0])
		case e.name == "article":
			runs = append(runs, e.attr["id"])
		}
	}
	if strings.Join(heads, " ") != "AMD Ampere" || strings.Join(runs, " ") != "run1-run run3-run run2-run" {
		t.Errorf("machines %q, runs %q", heads, runs)
	}
	if !strings.Contains(b.String(), "3 runs, of 2 machines") {
		t.Error("nothing says how many")
	}
	var same bytes.Buffer
	if err := HTML(&same, one, other, again); err != nil || !bytes.Equal(b.Bytes(), same.Bytes()) {
		t.Errorf("%v, or other bytes of the same runs", err)
	}
	var fuzzed bytes.Buffer
	if err := HTMLWith(&fuzzed, []*result.Results{one, other}, []*report.Campaign{campaign(), campaign()}); err != nil {
		t.Fatal(err)
	}
	checkPage(t, fuzzed.Bytes())
	if strings.Count(fuzzed.String(), "<h2>Fuzz campaign") != 2 || strings.Contains(b.String(), "Fuzz campaign") {
		t.Error("campaigns are not where they belong")
	}
	if err := HTML(&same); err == nil {
		t.Error("a page on nothing")
	}
	paths, err := charts.WritePNGs(t.TempDir(), one, other)
	if err != nil || len(paths) != 14 || filepath.Base(paths[0]) != "run1-rate.png" || filepath.Base(paths[7]) != "run2-rate.png" {
		t.Errorf("%v %v", paths, err)
	}
}
