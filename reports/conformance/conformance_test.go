package conformance_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/reports/conformance"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/result/resulttest"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// inFull returns a run that meets every clause that a run can meet.
func inFull() *result.Results {
	r := resulttest.Suite(false)
	rate := r.Results[0]
	for _, size := range []rfc2544.FrameSize{128, 256, 512, 768, 1024, 1280, 1518, 1522, 2048, 4096, 8192, 9216} {
		rate.FrameSize = size
		r.Results = append(r.Results, rate)
	}
	r.IPVersion = 6
	return r
}

// neverMet lists the clauses that no run meets; docs/rfc2544.md lists them, too.
var neverMet = []string{"E13", "E25", "M1", "M4", "P14", "P16", "T1", "T2"}

func standings(r *result.Results) map[string]conformance.Assessment {
	all := map[string]conformance.Assessment{}
	for _, a := range conformance.Assess(r) {
		all[a.ID] = a
	}
	return all
}

// edit changes the results of a test.
func edit(test string, change func(*result.Result)) func(*result.Results) {
	return func(r *result.Results) {
		for i := range r.Results {
			if r.Results[i].Test == test {
				change(&r.Results[i])
			}
		}
	}
}

func without(test string) func(*result.Results) {
	return func(r *result.Results) {
		r.Results = slices.DeleteFunc(r.Results, func(res result.Result) bool { return res.Test == test })
	}
}

func noSize(size rfc2544.FrameSize) func(*result.Results) {
	return func(r *result.Results) {
		r.Results = slices.DeleteFunc(r.Results, func(res result.Result) bool { return res.FrameSize == size })
	}
}

// short marks the values of a test as falling short.
func short(res *result.Result) {
	res.Shortfalls = []rfc2544.Shortfall{{What: rfc2544.TrialDuration, Got: "1s", Asked: "1m0s", Section: "RFC 2544 section 24"}}
	for i := range res.Values {
		res.Values[i].Name += rfc2544.Short
	}
}

func notValid(res *result.Result) { res.Valid, res.Warnings = false, []string{"stalls"} }

// A complete run meets each clause; a run that lacks the clause's requirement does not.
func TestEachClause(t *testing.T) {
	t.Parallel()
	const met, deviated, notApplicable = conformance.Met, conformance.Deviated, conformance.NotApplicable
	for _, c := range []struct {
		id, name string
		change   func(*result.Results)
		want     conformance.Standing
		says     string
	}{
		{"E2", "a frame of others", edit(rfc2544.NameRate, func(res *result.Result) { res.Trials[0].Foreign = 1 }), deviated, "frames of others"},
		{"E8", "no 512 bytes", noSize(512), deviated, "512"},
		{"E9", "no 4096 bytes", noSize(4096), deviated, "4096"},
		{"E9", "IPv4", func(r *result.Results) { r.IPVersion = 4 }, notApplicable, "IPv4"},
		{"E10", "no 9216 bytes", noSize(9216), deviated, "9216"},
		{"E17", "flows", func(r *result.Results) { r.Flows = 1000 }, deviated, "1000 flows"},
		{"E19", "short", edit(rfc2544.NameNetworks, short), deviated, "1s instead of 1m0s"},
		{"E21", "forward", edit(rfc2544.NameThroughput, func(res *result.Result) { res.Direction = rfc2544.Forward }), deviated, "forward only"},
		{"M5", "short", edit(rfc2544.NameBursts, short), deviated, "1s instead of 1m0s"},
		{"T3", "a frame was not sent", edit(rfc2544.NameRate, func(res *result.Result) { res.Trials[0].Offered-- }), deviated, "fewer frames"},
		{"T4", "50 ms", func(r *result.Results) { r.LossTimeout = 50 * time.Millisecond }, deviated, "50ms"},
		{"T4", "not recorded", func(r *result.Results) { r.Conditions = result.Conditions{} }, notApplicable, "does not record"},
		{"T5", "no rest", func(r *result.Results) { r.Rest = 0 }, deviated, "0s"},
		{"T6", "short", edit(rfc2544.NameRecovery, short), deviated, "recovery"},
		{"P1", "not valid", edit(rfc2544.NameThroughput, notValid), deviated, "vxlan at 64: stalls"},
		{"P2", "short", edit(rfc2544.NameDelay, short), deviated, "1s instead of 1m0s"},
		{"P2", "left out", without(rfc2544.NameDelay), notApplicable, "not measured"},
		{"P4", "short", edit(rfc2544.NameDelay, short), deviated, "1s instead of 1m0s"},
		{"P6", "short", edit(rfc2544.NameDelay, short), deviated, "1s instead of 1m0s"},
		{"P7", "short", edit(rfc2544.NameDelay, short), deviated, "1s instead of 1m0s"},
		{"P8", "died", edit(rfc2544.NameLossRate, func(res *result.Result) { res.Values, res.Error = nil, "it died" }), deviated, "it died"},
		{"P9", "not valid", edit(rfc2544.NameBackToBack, notValid), deviated, "stalls"},
		{"P9", "as fast as the link", edit(rfc2544.NameBackToBack, func(res *result.Result) { res.Values = nil }), notApplicable, "maximum rate"},
		{"P10", "no buffer time", edit(rfc2544.NameBackToBack, func(res *result.Result) { res.Values = res.Values[:1] }), deviated, "a remark"},
		{"P11", "short", edit(rfc2544.NameRecovery, short), deviated, "1s instead of 1m0s"},
		{"P12", "cannot", edit(rfc2544.ResetSystem.Test(), func(res *result.Result) { res.Unsupported = "nothing to reset" }), notApplicable, "nothing to reset"},
		{"P12", "short, not recorded how", edit(rfc2544.ResetSystem.Test(), func(res *result.Result) { short(res); res.Shortfalls = nil }), deviated, "does not record"},
		{"P15", "short", edit(rfc2544.NameScale, short), deviated, "1s instead of 1m0s"},
		{"P17", "no deviation", edit(rfc2544.NameBackToBack, func(res *result.Result) { res.Values = res.Values[:1] }), deviated, "a remark"},
	} {
		t.Run(c.id+" "+c.name, func(t *testing.T) {
			t.Parallel()
			if a := standings(inFull())[c.id]; a.Standing != met || len(a.Places) == 0 {
				t.Errorf("in full: %+v, want it met with a place that shows it", a)
			}
			r := inFull()
			c.change(r)
			if a := standings(r)[c.id]; a.Standing != c.want || !strings.Contains(a.Ruling.Text, c.says) {
				t.Errorf("%+v, want %s because of %q", a.Ruling, c.want, c.says)
			}
		})
	}
}

// A complete run meets all clauses except those that no run meets; only these keep it from
// compliance.
func TestInFull(t *testing.T) {
	t.Parallel()
	var not []string
	all := conformance.Assess(inFull())
	for _, a := range all {
		if a.Standing != conformance.Met {
			not = append(not, a.ID)
		}
	}
	slices.Sort(not)
	if diff := cmp.Diff(neverMet, not); diff != "" {
		t.Errorf("clauses not met (-want +got):\n%s", diff)
	}
	if s := conformance.Summary(all); !strings.Contains(s, "is not compliant") {
		t.Errorf("summary %q", s)
	}
	all = slices.DeleteFunc(all, func(a conformance.Assessment) bool {
		return a.Level == conformance.Must && a.Standing != conformance.Met
	})
	if s := conformance.Summary(all); !strings.Contains(s, "conditionally compliant") {
		t.Errorf("summary without the MUSTs that are not met: %q", s)
	}
	all = slices.DeleteFunc(all, func(a conformance.Assessment) bool { return a.Standing != conformance.Met })
	if s := conformance.Summary(all); !strings.Contains(s, "unconditionally compliant") {
		t.Errorf("summary of clauses that are met: %q", s)
	}
}

// Every clause has a unique id, a source and a text, and each ruling has a reason for any run.
func TestClausesAreComplete(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		run  *result.Results
	}{{"quick", resulttest.Fixture()}, {"short", resulttest.Suite(true)}, {"nothing", &result.Results{}}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			seen := map[string]bool{}
			for _, a := range conformance.Assess(c.run) {
				if seen[a.ID] || a.Source == "" || a.Clause.Text == "" || a.Ruling.Text == "" {
					t.Errorf("%+v", a)
				}
				seen[a.ID] = true
			}
		})
	}
}
