package reports

import (
	"bytes"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/reports/conformance"
	"github.com/tunnelbench/tunnelbench/reports/figure"
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
	paths, err := WritePNGs(dir, resulttest.Fixture())
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
	if _, err := WritePNGs(again, resulttest.Fixture()); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		a, _ := os.ReadFile(filepath.Join(dir, name))
		b, _ := os.ReadFile(filepath.Join(again, name))
		if !bytes.Equal(a, b) {
			t.Errorf("%s: the same results gave other bytes", name)
		}
	}
	if _, err := WritePNGs(filepath.Join(dir, "none"), resulttest.Fixture()); err == nil {
		t.Error("written into a directory that is not there")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left aside: %v", left)
	}
}

func TestChartsUseOnlyKnownColours(t *testing.T) {
	m := newMatrix(resulttest.Fixture())
	for _, c := range charts(resulttest.Fixture(), m, pageBars) {
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
		if !strings.Contains(pageCSS, ".f-"+class+" ") || !strings.Contains(pageCSS, ".s-"+class+" ") {
			t.Errorf("the style sheet has no class for %s", class)
		}
	}
}

func TestEveryChartHasItsNumbers(t *testing.T) {
	m := newMatrix(resulttest.Fixture())
	got := charts(resulttest.Fixture(), m, pageBars)
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
	r.Results[6].Valid = false // of vxlan at the smallest size
	m := newMatrix(r)
	for _, c := range charts(r, m, pageBars) {
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
	m := newMatrix(r)
	c, ok := latencyChart(r, m, figure.PngBars)
	if !ok || c.Height > figure.RowHeight*figure.PngBars+40 {
		t.Errorf("height %v", c.Height)
	}
	if _, err := WritePNGs(t.TempDir(), r); err != nil {
		t.Error(err)
	}
}

func TestTicks(t *testing.T) {
	for _, c := range []struct{ lo, hi float64 }{{1, 10}, {0.5, 0.6}, {64, 1518}, {1, 1e9}, {3, 3.1}, {1e-3, 1e12}} {
		ticks := figure.LogTicks(c.lo, c.hi)
		if len(ticks) > 16 {
			t.Errorf("%v: %d ticks", c, len(ticks))
		}
		for _, tick := range ticks {
			if tick.Value < c.lo || tick.Value > c.hi || tick.Label == "" {
				t.Errorf("%v: tick %v", c, tick)
			}
		}
	}
	for _, hi := range []float64{1, 7, 99, 12345, 1e9} {
		if n := len(figure.LinearTicks(0, hi)); n < 3 || n > 11 {
			t.Errorf("0 to %v: %d ticks", hi, n)
		}
	}
	for _, hi := range []float64{2, 10, 34, 100000} {
		ticks := wholeTicks(1, hi)
		if len(ticks) < 2 || len(ticks) > 11 {
			t.Errorf("1 to %v: %d ticks", hi, len(ticks))
		}
	}
}

// TestLogScaleNeverSeesZero draws lines with every value a scale cannot show;
// gonum's log scale panics on them.
func TestLogScaleNeverSeesZero(t *testing.T) {
	points := []figure.Point{{X: 64, Y: 0}, {X: 128, Y: math.NaN()}, {X: 256, Y: 5, Lo: -1, Hi: math.Inf(1)}, {X: 512, Y: -3}, {X: 1518, Y: math.Inf(1)}}
	p := figure.NewPlot("x")
	figure.SetSizes(&p.X, conformance.StandardSizes())
	figure.SetLog(&p.Y, []float64{0, math.NaN(), -1, 5}, 1.3)
	p.Add(figure.PlotFunc(figure.GridY), figure.LineOf(points, figure.Look{Colour: figure.InkText, Mark: figure.Diamond}))
	svg, err := figure.SvgOf(p, 200, "x", "x", "x")
	if err != nil || strings.Contains(string(svg), "NaN") || strings.Contains(string(svg), "Inf") {
		t.Errorf("%v: %s", err, svg)
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
	if _, ok := timeline("x", &res, nil); ok {
		t.Error("a search without trials")
	}
	res.Trials = []rfc2544.Observation{
		{IntendedLoad: rfc2544.Flood, Counts: rfc2544.Counts{Offered: 10, Received: 10}},
		{IntendedLoad: 100, Counts: rfc2544.Counts{Intended: 100, Offered: 100, Received: 99, Lost: 1}, Duration: time.Second, Valid: true},
	}
	c, ok := timeline("x", &res, res.Value("pdr"))
	if !ok || len(c.Legend) != 3 {
		t.Fatalf("legend %v", c.Legend)
	}
	if _, err := figure.SvgOf(c.Draw(), c.Height, "x", "x", "x"); err != nil {
		t.Error(err)
	}
}
