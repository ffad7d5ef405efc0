package reports

import (
	"strings"
	"testing"

	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/show"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// In every format, a share of plain's rate claims no more than the bounds of both rates allow.
func TestShareOfALowerBound(t *testing.T) {
	t.Parallel()
	rate := func(dut string, value float64, upper *float64) result.Result {
		kind := result.KindPlain
		if dut == result.PlainDUT {
			kind = result.KindCalibration
		}
		return result.Result{DUT: dut, Kind: kind, Test: rfc2544.NameRate, FrameSize: 64, Direction: rfc2544.Forward, Valid: true,
			Values: []rfc2544.Value{{Name: "pdr", Unit: "fps", Value: value, Lower: &value, Upper: upper, N: 9, Better: 1}}}
	}
	high := 1.01e6
	for _, c := range []struct {
		name               string
		plainUpper, hisOwn *float64
		want               string
		never              []string
	}{
		{"both are known", &high, &high, "50 %", []string{"at most 50 %", "at least 50 %"}},
		{"plain is a lower bound", nil, &high, "at most 50 %", nil},
		{"the tunnel is a lower bound", &high, nil, "at least 50 %", nil},
		{"two lower bounds", nil, nil, show.None, []string{" 50 %"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := &result.Results{Results: []result.Result{rate(result.PlainDUT, 1e6, c.plainUpper), rate("vxlan", 5e5, c.hisOwn)}}
			var text, page strings.Builder
			if err := WriteText(&text, r, false); err != nil {
				t.Fatal(err)
			}
			if err := HTML(&page, r); err != nil {
				t.Fatal(err)
			}
			markdown, err := Format("md", []*result.Results{r})
			if err != nil {
				t.Fatal(err)
			}
			for form, written := range map[string]string{"text": text.String(), "page": page.String(), "Markdown": string(markdown)} {
				written = strings.ReplaceAll(written, show.Nbsp, " ")
				if !strings.Contains(written, c.want) {
					t.Errorf("%s lacks %q", form, c.want)
				}
				for _, word := range c.never {
					if strings.Contains(written, word) {
						t.Errorf("%s has %q", form, word)
					}
				}
			}
		})
	}
}
