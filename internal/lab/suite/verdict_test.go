package suite

import (
	"slices"
	"testing"

	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// A device that carries streams has no rates, and what counts is its streams.
func TestWithout(t *testing.T) {
	t.Parallel()
	rate := func(valid bool, unsupported string) result.Result {
		return result.Result{DUT: "it", Test: rfc2544.NameRate, Valid: valid, Unsupported: unsupported}
	}
	streams := func(carries string, valid bool) result.Result {
		return result.Result{DUT: "it", Test: rfc2544.NameStreams, Carries: carries, Valid: valid}
	}
	for name, c := range map[string]struct {
		results  []result.Result
		without  []string
		measured bool
	}{
		"a rate":                           {[]result.Result{rate(true, "")}, nil, true},
		"no rate":                          {[]result.Result{rate(false, "")}, []string{"it"}, true},
		"cannot run here":                  {[]result.Result{rate(false, "no kernel")}, nil, false},
		"packets, with streams":            {[]result.Result{rate(false, ""), streams("", true)}, []string{"it"}, true},
		"streams, not asked for":           {[]result.Result{rate(false, "it carries streams")}, nil, false},
		"streams, measured":                {[]result.Result{rate(false, "it carries streams"), streams(dut.Streams, true)}, nil, true},
		"streams that do not come through": {[]result.Result{rate(false, "it carries streams"), streams(dut.Streams, false)}, []string{"it"}, true},
	} {
		without, measured := Without(&result.Results{Results: c.results})
		if !slices.Equal(without, c.without) || measured != c.measured {
			t.Errorf("%s: %q, %v", name, without, measured)
		}
	}
}
