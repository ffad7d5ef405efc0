package reports

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/reports/frame"

	"github.com/tunnelbench/tunnelbench/reports/charts"
	"github.com/tunnelbench/tunnelbench/reports/conformance"
	"github.com/tunnelbench/tunnelbench/reports/figure"
	"github.com/tunnelbench/tunnelbench/reports/matrix"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/result/resulttest"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

func latencyOf(dut string, p50, p99 float64) result.Result {
	res := result.Result{DUT: dut, Kind: result.KindPlain, Test: rfc2544.NameLatency, FrameSize: 64, Valid: true}
	res.Values = append(res.Values, rfc2544.Value{Name: "latency_p50", Unit: "ns", Value: p50, N: 1, Better: -1})
	if p99 >= 0 {
		res.Values = append(res.Values, rfc2544.Value{Name: "latency_p99", Unit: "ns", Value: p99, N: 1, Better: -1})
	}
	return res
}

func cpuOf(dut string, ns float64) result.Result {
	return result.Result{DUT: dut, Kind: result.KindPlain, Test: rfc2544.NameLatency, FrameSize: 64, Valid: true,
		Values: []rfc2544.Value{{Name: "cpu_ns_per_frame", Unit: "ns", Value: ns, N: 1, Better: -1}}}
}

func openValue(lower *float64) []rfc2544.Value {
	return []rfc2544.Value{{Name: "ndr", Unit: "fps", Value: 5e4, Lower: lower, N: 1, Better: 1}}
}

func TestPNGs(t *testing.T) {
	dir := t.TempDir()
	paths, err := charts.WritePNGs(dir, resulttest.Fixture())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, path := range paths {
		names = append(names, filepath.Base(path))
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		im, err := png.Decode(bytes.NewReader(data))
		if err != nil || im.Bounds().Dx() != 1200 || im.Bounds().Dy() != 630 {
			t.Errorf("%s: %v %v", path, im.Bounds(), err)
		}
	}
	if !slices.Equal(names, []string{"rate.png", "latency.png", "percentiles.png", "cpu.png", "loss-load.png", "loss.png", "lateness.png"}) {
		t.Errorf("files %v", names)
	}
	again := t.TempDir()
	if _, err := charts.WritePNGs(again, resulttest.Fixture()); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		a, _ := os.ReadFile(filepath.Join(dir, name))
		b, _ := os.ReadFile(filepath.Join(again, name))
		if !bytes.Equal(a, b) {
			t.Errorf("%s: the same results gave other bytes", name)
		}
	}
	if _, err := charts.WritePNGs(filepath.Join(dir, "none"), resulttest.Fixture()); err == nil {
		t.Error("written into a directory that is not there")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left aside: %v", left)
	}
}

func TestChartsUseOnlyKnownColours(t *testing.T) {
	m := matrix.NewMatrix(resulttest.Fixture())
	for _, c := range charts.Charts(resulttest.Fixture(), m, pageBars) {
		svg, err := figure.SvgOf(c.Draw(), c.Height, c.ID, c.Title, c.Caption)
		if err != nil {
			t.Fatal(err)
		}
		text := string(svg)
		if strings.Contains(text, "style=") || strings.Contains(text, "#") || strings.Contains(text, "xmlns") {
			t.Errorf("%s: has colours or styles of its own", c.ID)
		}
		for _, part := range strings.Split(text, "<text")[1:] {
			if tag := part[:strings.Index(part, ">")]; !strings.Contains(tag, `class="f-`) || strings.Contains(tag, "f-none") {
				t.Errorf("%s: text without a colour: %s", c.ID, tag)
			}
		}
	}
	for _, class := range figure.ColourClass {
		if !strings.Contains(frame.CSS, ".f-"+class+" ") || !strings.Contains(frame.CSS, ".s-"+class+" ") {
			t.Errorf("the style sheet has no class for %s", class)
		}
	}
}

func TestEveryChartHasItsNumbers(t *testing.T) {
	m := matrix.NewMatrix(resulttest.Fixture())
	got := charts.Charts(resulttest.Fixture(), m, pageBars)
	if len(got) != 7 {
		t.Fatalf("%d charts", len(got))
	}
	for _, c := range got {
		if len(c.Table.Rows) == 0 || c.Caption == "" {
			t.Errorf("%s: no numbers or no caption", c.ID)
		}
		for _, row := range c.Table.Rows {
			if len(row) != len(c.Table.Head) {
				t.Errorf("%s: row %q under head %q", c.ID, row, c.Table.Head)
			}
		}
	}
}

func TestInvalidResultsAreMarked(t *testing.T) {
	r := resulttest.Fixture()
	r.Results[6].Valid = false // the result of vxlan at the smallest size
	m := matrix.NewMatrix(r)
	for _, c := range charts.Charts(r, m, pageBars) {
		if !slices.ContainsFunc(c.Table.Rows, func(r []string) bool { return strings.Contains(strings.Join(r, " "), "†") }) {
			t.Errorf("%s: a result that is not valid looks like the others", c.ID)
		}
	}
}

func TestManyDevicesFitAPicture(t *testing.T) {
	r := &result.Results{}
	for i := range 40 {
		for _, s := range conformance.StandardSizes() {
			res := latencyOf(strings.Repeat("d", 1+i), 1000, 5000)
			res.FrameSize = s
			r.Results = append(r.Results, res)
		}
	}
	m := matrix.NewMatrix(r)
	drawn := charts.Charts(r, m, figure.PngBars)
	at := slices.IndexFunc(drawn, func(c figure.Chart) bool { return c.ID == "latency" })
	if at < 0 {
		t.Fatal("no chart of the latency")
	}
	if c := drawn[at]; c.Height > figure.RowHeight*figure.PngBars+40 {
		t.Errorf("height %v", c.Height)
	}
	if _, err := charts.WritePNGs(t.TempDir(), r); err != nil {
		t.Error(err)
	}
}

func TestRewriteRefusesForeignElements(t *testing.T) {
	var out strings.Builder
	if err := figure.Rewrite(&out, strings.NewReader(`<svg><script>x</script></svg>`)); err == nil {
		t.Error("a script passes")
	}
	if err := figure.Rewrite(&out, strings.NewReader(`<svg><g>`)); err == nil {
		t.Error("a broken drawing passes")
	}
}

func TestTimelineNeedsASearch(t *testing.T) {
	res := rateOf("a", 100, 101)
	if _, ok := charts.Timeline("x", &res, nil); ok {
		t.Error("a search without trials")
	}
	res.Trials = []rfc2544.Observation{
		{IntendedLoad: rfc2544.Flood, Counts: rfc2544.Counts{Offered: 10, Received: 10}},
		{IntendedLoad: 100, Counts: rfc2544.Counts{Intended: 100, Offered: 100, Received: 99, Lost: 1}, Duration: time.Second, Valid: true},
	}
	c, ok := charts.Timeline("x", &res, res.Value("pdr"))
	if !ok || len(c.Legend) != 3 {
		t.Fatalf("legend %v", c.Legend)
	}
	if _, err := figure.SvgOf(c.Draw(), c.Height, "x", "x", "x"); err != nil {
		t.Error(err)
	}
}
