package behaviour

import (
	"testing"

	"github.com/tunnelbench/tunnelbench/reports/behaviour"
)

func TestJudgeDSCP(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		seen         []carried
		verdict      behaviour.Verdict
		outer, inner string
	}{
		"copied":            {[]carried{{sent: 0}, {sent: 46, outer: 46, far: 46}}, behaviour.None, copied, copied},
		"not for the outer": {[]carried{{sent: 0}, {sent: 46, far: 46}}, behaviour.None, zero, copied},
		"one for all":       {[]carried{{sent: 0, outer: 34}, {sent: 46, outer: 34, far: 46}}, behaviour.None, set, copied},
		"cleared":           {[]carried{{sent: 0}, {sent: 46}}, behaviour.None, zero, zero},
		"mapped":            {[]carried{{sent: 0}, {sent: 46, outer: 40, far: 46}, {sent: 34, outer: 32, far: 34}}, behaviour.None, changed, copied},
		"no tunnel":         {[]carried{{sent: 0, bare: true}, {sent: 46, outer: 46, far: 46, bare: true}}, behaviour.None, bare, copied},
		"lost":              {[]carried{{sent: 0}, {sent: 46, lost: true}}, behaviour.NotMeasured, "", ""},
	} {
		f := judgeDSCP(c.seen)
		if f.Verdict != c.verdict || f.Fact("outer") != c.outer || f.Fact("inner") != c.inner {
			t.Errorf("%s: %+v, want %s, outer %q, inner %q", name, f, c.verdict, c.outer, c.inner)
		}
	}
}
