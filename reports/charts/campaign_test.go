package charts

import (
	"testing"

	"github.com/tunnelbench/tunnelbench/fuzz/report"
	"github.com/tunnelbench/tunnelbench/reports/figure"
)

// All lines can be distinguished without colour.
func TestFuzzLinesDifferWithoutColour(t *testing.T) {
	seen := map[string]bool{}
	for i := range fuzzLines {
		item := figure.LegendItem{Look: fuzzLook(i), Line: true}
		item.Look.Colour = figure.InkText
		s, err := figure.Swatch(item)
		if err != nil {
			t.Fatal(err)
		}
		if seen[string(s)] {
			t.Errorf("line %d looks like another", i)
		}
		seen[string(s)] = true
	}
}

func TestThinned(t *testing.T) {
	samples := make([]report.Sample, 10000)
	for i := range samples {
		samples[i].Executions = uint64(i)
	}
	got := thinned(samples, fuzzPoints)
	if len(got) != fuzzPoints || got[0].Executions != 0 || got[len(got)-1].Executions != 9999 {
		t.Errorf("%d samples from %d to %d", len(got), got[0].Executions, got[len(got)-1].Executions)
	}
	if len(thinned(samples[:7], fuzzPoints)) != 7 {
		t.Error("few samples are thinned")
	}
}
