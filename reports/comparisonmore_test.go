package reports

import (
	"bytes"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tunnelbench/tunnelbench/ci/compare"
	"github.com/tunnelbench/tunnelbench/reports/charts"
	"github.com/tunnelbench/tunnelbench/reports/figure"
	"github.com/tunnelbench/tunnelbench/reports/matrix"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/result/resulttest"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// compared is a comparison as `ab` writes it: one faster device, one device twice, and a metric
// with mostly invalid samples.
func compared() *result.Results {
	r := resulttest.Fixture()
	r.Results, r.Calibration, r.Profile = nil, r.Calibration[:1], "ab"
	r.Command = []string{"tunnelbench", "ab", "vxlan", "reference", "vxlan", "--seed", "7"}
	const rounds = 12
	c := &result.Comparison{
		Devices: []string{"vxlan", "reference", "vxlan#2"}, FrameSize: 64, Direction: rfc2544.Forward, Overload: 290e3, Light: 80e3,
		Rounds: rounds, Confidence: 0.95, Warnings: []string{"round 3: reference: the left side ended: exit status 2"},
	}
	gen := rand.New(rand.NewPCG(7, 7))
	for range rounds {
		c.Order = append(c.Order, gen.Perm(len(c.Devices)))
	}
	for _, m := range []struct {
		name, unit string
		better     int
		of         [3]float64
	}{
		{"forwarding_rate", "fps", 1, [3]float64{182e3, 231e3, 182e3}},
		{"cpu_ns_per_frame", "ns", -1, [3]float64{4100, 5200, 4100}},
		{"latency_p50", "ns", -1, [3]float64{18900, 14200, 18900}},
		{"stream_goodput", "bit/s", 1, [3]float64{4e9, 5e9, 4e9}},
	} {
		metric := result.Metric{Name: m.name, Unit: m.unit, Better: m.better}
		for k := range c.Devices {
			row := make([]*float64, rounds)
			for i := range row {
				v := m.of[k] * (1 + 0.01*gen.NormFloat64())
				if k != 1 || i != 2 {
					row[i] = &v
				}
				if m.name == "stream_goodput" && i > 4 {
					row[i] = nil
				}
			}
			metric.Samples = append(metric.Samples, row)
		}
		c.Metrics = append(c.Metrics, metric)
	}
	compare.Judge(c, 7)
	r.Comparison = c
	return r
}

func TestJudge(t *testing.T) {
	c := compared().Comparison
	for name, want := range map[string][]string{
		"forwarding_rate":  {result.VerdictBetter, result.VerdictNone},
		"cpu_ns_per_frame": {result.VerdictWorse, result.VerdictNone},
		"latency_p50":      {result.VerdictBetter, result.VerdictNone},
		"stream_goodput":   nil,
	} {
		i := slices.IndexFunc(c.Metrics, func(m result.Metric) bool { return m.Name == name })
		var got []string
		for _, r := range c.Metrics[i].Ratios {
			got = append(got, r.Verdict)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// A sentence names the wider side of the interval, and never a difference outside of it.
func TestWords(t *testing.T) {
	for want, r := range map[string]result.Ratio{
		"no difference shown; one of up to 10.0 % cannot be excluded": {Value: 0.97, Lower: 0.9, Upper: 1.02, Verdict: result.VerdictNone},
		"no difference shown; one of up to 4.0 % cannot be excluded":  {Value: 1.01, Lower: 0.99, Upper: 1.04, Verdict: result.VerdictNone},
		"better by 27.0 % (25.0 % to 30.0 %)":                         {Value: 1.27, Lower: 1.25, Upper: 1.3, Verdict: result.VerdictBetter},
		"better by 20.0 % (15.0 % to 25.0 %)":                         {Value: 0.8, Lower: 0.75, Upper: 0.85, Verdict: result.VerdictBetter},
		"worse by 12.0 % (10.0 % to 15.0 %)":                          {Value: 0.88, Lower: 0.85, Upper: 0.9, Verdict: result.VerdictWorse},
	} {
		if got := r.Words(); got != want {
			t.Errorf("%+v: %q, want %q", r, got, want)
		}
	}
}

func TestComparisonGolden(t *testing.T) {
	var b bytes.Buffer
	if err := WriteText(&b, compared(), false); err != nil {
		t.Fatal(err)
	}
	resulttest.Golden(t, "comparison.txt", b.Bytes())
}

func TestComparisonSurvivesTheFile(t *testing.T) {
	r := compared()
	data := resulttest.Encode(t, r)
	if err := resulttest.Validator(t)(data); err != nil {
		t.Error(err)
	}
	back, err := result.Read(bytes.NewReader(data), "results.json")
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(back.Comparison, result.Normal(r).Comparison) {
		t.Error("what was read is not what was written")
	}
	r.Comparison.Warnings = []string{strings.Repeat("w", 5000)}
	if err := resulttest.Validator(t)(resulttest.Encode(t, r)); err != nil {
		t.Errorf("long warning: %v", err)
	}
}

func TestReadRefusesBadComparisons(t *testing.T) {
	good := resulttest.Encode(t, compared())
	for want, change := range map[string]func(c, metric, ratio map[string]any){
		"/comparison/devices: are fewer than two":                                func(c, _, _ map[string]any) { c["devices"] = []string{"vxlan"} },
		"/comparison/order: has 12 entries for 11 rounds":                        func(c, _, _ map[string]any) { c["rounds"] = 11 },
		"/comparison/order/1: is no order of the devices":                        func(c, _, _ map[string]any) { c["order"].([]any)[1] = []int{0, 1, 1} },
		"/comparison/order/0: is no order of the devices":                        func(c, _, _ map[string]any) { c["order"].([]any)[0] = []int{0, 1} },
		"/comparison/confidence: is not between 0 and 1":                         func(c, _, _ map[string]any) { c["confidence"] = 1 },
		"/metrics/0/samples: has 2 rows for 3 devices":                           func(_, m, _ map[string]any) { m["samples"] = m["samples"].([]any)[:2] },
		"/metrics/0/samples/1: has 1 values for 12 rounds":                       func(_, m, _ map[string]any) { m["samples"].([]any)[1] = []int{1} },
		"/metrics/0/samples/0: has what is not above zero":                       func(_, m, _ map[string]any) { m["samples"].([]any)[0].([]any)[3] = 0 },
		`/metrics/0/ratios/0: "vxlan" was not compared`:                          func(_, _, r map[string]any) { r["device"] = "vxlan" },
		"/metrics/0/ratios/0: is not between its bounds":                         func(_, _, r map[string]any) { r["value"] = 9 },
		"/metrics/0/ratios/0: rests on 12 pairs, the samples have":               func(_, _, r map[string]any) { r["pairs"] = 12 },
		`/metrics/0/ratios/0: its interval does not say "worse"`:                 func(_, _, r map[string]any) { r["verdict"] = "worse" },
		`/metrics/0/ratios/0/verdict: is "moon"`:                                 func(_, _, r map[string]any) { r["verdict"] = "moon" },
		`/comparison/metrics/0: unknown key "mean"`:                              func(_, m, _ map[string]any) { m["mean"] = 1 },
		"/comparison/metrics/0/better: 2 is above 1":                             func(_, m, _ map[string]any) { m["better"] = 2 },
		"/comparison/metrics/0/samples/0: is a number, must be an":               func(_, m, _ map[string]any) { m["samples"].([]any)[0] = 1 },
		"/comparison/metrics/0/ratios/0: has no \"lower\"":                       func(_, _, r map[string]any) { delete(r, "lower") },
		"/comparison: has no \"order\"":                                          func(c, _, _ map[string]any) { delete(c, "order") },
		"/comparison/frame_size: 3 is below 64":                                  func(c, _, _ map[string]any) { c["frame_size"] = 3 },
		"/comparison/metrics/0/samples/0/0: is a string, must be null or number": func(_, m, _ map[string]any) { m["samples"].([]any)[0].([]any)[0] = "x" },
	} {
		data := resulttest.Edit(t, good, func(d map[string]any) {
			c := d["comparison"].(map[string]any)
			m := c["metrics"].([]any)[0].(map[string]any)
			change(c, m, m["ratios"].([]any)[0].(map[string]any))
		})
		if _, err := result.Read(bytes.NewReader(data), "bad.json"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestComparisonPage(t *testing.T) {
	page := render(t, compared())
	checkPage(t, page)
	for _, want := range []string{
		"<h1>Tunnel comparison</h1>", "forwarding_rate, reference against vxlan: better by 27", "no difference shown", `id="f-comparison"`,
		"too few valid pairs for an interval: it takes 9", "the left side ended", "MOL",
	} {
		if !strings.Contains(string(page), want) {
			t.Errorf("no %q in the page", want)
		}
	}
	for _, bad := range []string{"RFC 2544: no frame lost", "Measured nothing", "NaN", "is not a run by RFC 2544"} {
		if strings.Contains(string(page), bad) {
			t.Errorf("%q in the page", bad)
		}
	}
	both := compared()
	both.Results = resulttest.Small().Results
	page = render(t, both)
	checkPage(t, page)
	if !strings.Contains(string(page), `id="m-rate"`) || !strings.Contains(string(page), `id="f-comparison"`) {
		t.Error("a page of both lacks one")
	}
}

func TestComparisonEscapesHostileNames(t *testing.T) {
	for _, name := range resulttest.Hostile {
		r := compared()
		c := r.Comparison
		c.Warnings, c.Direction = []string{name}, name
		c.Devices[0], c.Devices[1] = "base "+name, name
		for i := range c.Metrics {
			c.Metrics[i].Name, c.Metrics[i].Unit = name, name
			for k := range c.Metrics[i].Ratios {
				c.Metrics[i].Ratios[k].Device = c.Devices[k+1]
			}
		}
		page := render(t, r)
		checkPage(t, page)
		if strings.ContainsAny(name, `<"`) && bytes.Contains(page, []byte(name)) {
			t.Errorf("%q stands in the page as it is", name)
		}
		var b bytes.Buffer
		if err := WriteText(&b, r, false); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsAny(b.String(), "\x1b\x00\u202e") {
			t.Errorf("%q stands in the text as it is", name)
		}
	}
}

// The chart is drawn for any ratios, always at the same size.
func TestComparisonPicture(t *testing.T) {
	dir := t.TempDir()
	wild := compared()
	tiny, huge := 1e-300, 1e300
	for i := range wild.Comparison.Metrics {
		for k := range wild.Comparison.Metrics[i].Ratios {
			r := &wild.Comparison.Metrics[i].Ratios[k]
			r.Lower, r.Value, r.Upper = tiny, 1, huge
		}
	}
	many := compared()
	for range 5 {
		many.Comparison.Metrics = append(many.Comparison.Metrics, many.Comparison.Metrics[0])
	}
	for name, r := range map[string]*result.Results{"usual": compared(), "wild": wild, "many": many} {
		paths, err := charts.WritePNGs(dir, r)
		if err != nil || len(paths) != 1 || filepath.Base(paths[0]) != "comparison.png" {
			t.Fatalf("%s: %v, %v", name, paths, err)
		}
		data, err := os.ReadFile(paths[0])
		if err != nil {
			t.Fatal(err)
		}
		if im, err := png.Decode(bytes.NewReader(data)); err != nil || im.Bounds().Dx() != 1200 || im.Bounds().Dy() != 630 {
			t.Errorf("%s: %v %v", name, im.Bounds(), err)
		}
		page := render(t, r)
		checkPage(t, page)
		if bytes.Contains(page, []byte("NaN")) || bytes.Contains(page, []byte("Inf")) {
			t.Errorf("%s: a number that is none", name)
		}
	}
	for _, c := range charts.Charts(compared(), matrix.NewMatrix(compared()), pageBars) {
		svg, err := figure.SvgOf(c.Draw(), c.Height, c.ID, c.Title, c.Caption)
		if err != nil || strings.Contains(string(svg), `"#`) || strings.Contains(string(svg), "style=") {
			t.Errorf("%s: %v, or colours of its own", c.ID, err)
		}
	}
}
