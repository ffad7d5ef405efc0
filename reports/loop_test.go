package reports

import (
	"strings"
	"testing"

	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/show"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// The page shows the rate of a closed loop at the machine's nominal speed, and the range of what was
// measured, where devices ran side by side.
func TestClosedLoopOnThePage(t *testing.T) {
	t.Parallel()
	value := func(name string, v, lower, upper float64) rfc2544.Value {
		return rfc2544.Value{Name: name, Unit: "fps", Value: v, Lower: &lower, Upper: &upper, N: 9, Better: 1}
	}
	rate := result.Result{DUT: "vxlan", Kind: result.KindPlain, Test: rfc2544.NameRate, FrameSize: 64, Valid: true, Values: []rfc2544.Value{value("pdr", 331e3, 288e3, 350e3)}}
	loop := rate
	loop.Test, loop.Values = rfc2544.NameClosedLoop, []rfc2544.Value{value("closed_loop_rate", 330.7e3, 291.5e3, 376.8e3), value("normal_rate", 377.3e3, 373.4e3, 379.9e3)}
	for _, c := range []struct {
		name    string
		results []result.Result
		shows   bool
	}{
		{"side by side", []result.Result{rate, loop}, true},
		{"alone", []result.Result{rate}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var page strings.Builder
			if err := HTML(&page, &result.Results{Results: c.results}); err != nil {
				t.Fatal(err)
			}
			text := strings.ReplaceAll(page.String(), show.Nbsp, " ")
			for _, want := range []string{"377.3 (373.4–379.9)", "330.7, from 291.5–376.8"} {
				if strings.Contains(text, want) != c.shows {
					t.Errorf("the page has %q: %t, want %t", want, !c.shows, c.shows)
				}
			}
		})
	}
}
