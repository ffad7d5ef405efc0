package reports

import (
	"bytes"
	"strings"
	"testing"

	"github.com/tunnelbench/tunnelbench/ci/compare"
	"github.com/tunnelbench/tunnelbench/reports/charts"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/result/resulttest"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// someComparison is a comparison in which b is 10 % slower than a, and c equals a.
func someComparison() *result.Comparison {
	const rounds = 10
	c := &result.Comparison{
		Devices: []string{"a", "b", "<c>"}, FrameSize: 64, Direction: rfc2544.Forward, Overload: 1000, Light: 100, Rounds: rounds,
		Confidence: 0.95, Warnings: []string{"a warning"},
	}
	m := result.Metric{Name: "forwarding_rate", Unit: "fps", Better: 1, Samples: make([][]*float64, 3)}
	for i := range rounds {
		c.Order = append(c.Order, []int{i % 3, (i + 1) % 3, (i + 2) % 3})
		base, wobble := 100+float64(i), 1+0.01*float64(i%3-1)
		for k, v := range []float64{base, 0.9 * base * wobble, base * wobble} {
			m.Samples[k] = append(m.Samples[k], &v)
		}
	}
	c.Metrics = []result.Metric{m}
	compare.Judge(c, 1)
	return c
}

func comparisonResults() *result.Results {
	r := resulttest.Small()
	r.Results, r.Calibration, r.Profile, r.Comparison = nil, nil, "ab", someComparison()
	return r
}

func TestComparisonIsJudged(t *testing.T) {
	ratios := someComparison().Metrics[0].Ratios
	if len(ratios) != 2 || ratios[0].Verdict != result.VerdictWorse || ratios[1].Verdict != result.VerdictNone {
		t.Fatalf("%+v", ratios)
	}
	if words := ratios[0].Words(); !strings.HasPrefix(words, "worse by ") {
		t.Error(words)
	}
	if words := ratios[1].Words(); !strings.HasPrefix(words, "no difference shown; one of up to ") {
		t.Error(words)
	}
}

// Each metric defines whether more is better.
func TestVerdictFollowsTheMetric(t *testing.T) {
	for _, c := range []struct {
		lower, upper float64
		better       int
		want         string
	}{
		{1.1, 1.2, 1, result.VerdictBetter}, {1.1, 1.2, -1, result.VerdictWorse}, {0.8, 0.9, 1, result.VerdictWorse}, {0.8, 0.9, -1, result.VerdictBetter}, {0.9, 1.1, 1, result.VerdictNone}, {0.9, 1.1, -1, result.VerdictNone},
	} {
		if got := result.VerdictOf(c.lower, c.upper, c.better); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

func TestTooFewPairsAreNotJudged(t *testing.T) {
	c := someComparison()
	for i := range 6 {
		c.Metrics[0].Samples[1][i] = nil
	}
	compare.Judge(c, 1)
	if got := len(c.Metrics[0].Ratios); got != 1 {
		t.Errorf("%d ratios", got)
	}
	var text bytes.Buffer
	if err := WriteComparison(&text, c); err != nil || !strings.Contains(text.String(), "too few valid pairs for an interval: it takes 7") {
		t.Errorf("%s, %v", text.String(), err)
	}
}

func TestComparisonComesBack(t *testing.T) {
	r := comparisonResults()
	data, err := result.Encode(r)
	if err != nil {
		t.Fatal(err)
	}
	back, err := result.Read(bytes.NewReader(data), "r.json")
	if err != nil || back.Comparison == nil || len(back.Comparison.Metrics[0].Samples) != 3 {
		t.Fatalf("%+v, %v", back, err)
	}
	var page, text bytes.Buffer
	if err := HTML(&page, back); err != nil {
		t.Fatal(err)
	}
	if err := WriteText(&text, back, false); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"worse by", "a warning", "&lt;c&gt;", `Compared with a`} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if !strings.Contains(text.String(), "worse by") {
		t.Errorf("%s", text.String())
	}
	paths, err := charts.WritePNGs(t.TempDir(), back)
	if err != nil || len(paths) != 1 {
		t.Errorf("%v, %v", paths, err)
	}
}

func TestComparisonThatContradictsItself(t *testing.T) {
	for name, spoil := range map[string]func(*result.Comparison){
		"order":   func(c *result.Comparison) { c.Order[3] = []int{0, 0, 1} },
		"rounds":  func(c *result.Comparison) { c.Rounds = 9 },
		"row":     func(c *result.Comparison) { c.Metrics[0].Samples = c.Metrics[0].Samples[:2] },
		"sample":  func(c *result.Comparison) { zero := 0.0; c.Metrics[0].Samples[0][0] = &zero },
		"device":  func(c *result.Comparison) { c.Metrics[0].Ratios[0].Device = "z" },
		"bounds":  func(c *result.Comparison) { c.Metrics[0].Ratios[0].Lower = 2 },
		"devices": func(c *result.Comparison) { c.Devices = c.Devices[:1] },
	} {
		r := comparisonResults()
		spoil(r.Comparison)
		if err := result.Check(r); err == nil || !strings.HasPrefix(err.Error(), "/comparison") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The table has the kind of each device, and says which device was left out.
func TestComparisonOfKinds(t *testing.T) {
	t.Parallel()
	samples := func(v float64) []*float64 { return []*float64{&v, &v} }
	c := &result.Comparison{
		Devices: []string{"exec:a", "exec:b", "gre", "late"}, Kinds: []string{"plain", "sealed", "plain", "plain"}, Seals: []string{"", "aes128-gcm", "", ""},
		Confidence: 0.95, Rounds: 2, Metrics: []result.Metric{{Name: "closed_loop_rate", Unit: "fps", Better: 1, Samples: [][]*float64{samples(100), samples(50), {nil, nil}, {nil, nil}}}},
		LeftOut: []result.LeftOut{{Device: "gre", Why: "no module", Unsupported: true}, {Device: "late", Round: 7, Why: "it died"}},
	}
	var text strings.Builder
	if err := WriteComparison(&text, c); err != nil {
		t.Fatal(err)
	}
	page := strings.Join(viewComparison(c).Verdicts, "\n")
	for _, row := range viewComparison(c).Table.Rows {
		page += "\n" + strings.Join(row, " ")
	}
	for form, written := range map[string]string{"text": text.String(), "page": page} {
		for _, want := range []string{"sealed (aes128-gcm)", "exec:b is sealed and exec:a is plain", "gre cannot run here: no module", "late was left out after round 7, what was measured of it stands: it died", "0.5"} {
			if !strings.Contains(written, want) {
				t.Errorf("%s lacks %q:\n%s", form, want, written)
			}
		}
	}
}
