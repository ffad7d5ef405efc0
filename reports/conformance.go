package reports

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// The standings of a clause.
const (
	clauseMet      = "met"
	clauseDeviated = "deviated"
	clauseNotApply = "not applicable"
)

// The levels of a clause: RFC 2119's words, and what an RFC describes without one.
const (
	levelMust      = "MUST"
	levelShould    = "SHOULD"
	levelDescribed = "described"
)

// clause is one requirement of the RFCs, and how a run is judged by it.
type clause struct {
	id, source, level, text string
	judge                   func(*evidence) ruling
}

// ruling is how a run stands by a clause: what shows that it is met, how it
// deviates, or why it does not apply.
type ruling struct {
	standing, text string
	places         []string // of the page: ids of sections, or names of tests
}

func met(text string, places ...string) ruling      { return ruling{clauseMet, text, places} }
func deviates(text string, places ...string) ruling { return ruling{clauseDeviated, text, places} }
func notApplicable(text string) ruling              { return ruling{standing: clauseNotApply, text: text} }

// always is the judge of a clause that the tool itself meets or not, whatever
// the run.
func always(r ruling) func(*evidence) ruling { return func(*evidence) ruling { return r } }

// clauses are all of them, by section of the RFCs: environment (E), modifiers
// (M), the trial (T), the procedures (P).
func clauses() []clause {
	return slices.Concat(environmentClauses, modifierClauses, trialClauses, procedureClauses)
}

// evidence is what a run is judged by.
type evidence struct {
	r *result.Results
}

// results are those of a test.
func (e *evidence) results(test string) (out []*result.Result) {
	for i := range e.r.Results {
		if e.r.Results[i].Test == test {
			out = append(out, &e.r.Results[i])
		}
	}
	return out
}

// option is what the command line gave for an option; empty: nothing.
func (e *evidence) option(name string) string {
	for i, word := range e.r.Command {
		word = strings.TrimPrefix(word, "-")
		if value, ok := strings.CutPrefix(word, "-"+name+"="); ok {
			return value
		}
		if word == "-"+name && i+1 < len(e.r.Command) {
			return e.r.Command[i+1]
		}
	}
	return ""
}

func (e *evidence) ipv6() bool { return e.option("ip") == "6" }

// sum adds up something of all trials, and counts them.
func (e *evidence) sum(of func(*rfc2544.Observation) uint64) (total uint64, trials int) {
	for i := range e.r.Results {
		for k := range e.r.Results[i].Trials {
			total += of(&e.r.Results[i].Trials[k])
			trials++
		}
	}
	return total, trials
}

// test judges a clause by the values of a test that begin with a term: met
// when all results have them, whole and valid.
func (e *evidence) test(test, term, how string) ruling {
	all := e.results(test)
	if len(all) == 0 {
		return notApplicable("not measured: profile " + strictjson.Clean(e.r.Profile) + " does not run this test here")
	}
	var cut, without []string
	n, cannot := 0, ""
	for _, res := range all {
		name := fmt.Sprintf("%s at %d", strictjson.Clean(res.DUT), int(res.FrameSize))
		v := valueBeginning(res, term)
		switch {
		case res.Unsupported != "":
			cannot = strictjson.Clean(res.Unsupported)
		case v == nil || !res.Valid:
			without = append(without, name+": "+firstDoubt(res))
		case strings.HasSuffix(v.Name, rfc2544.Short):
			cut = append(cut, cutOf(res))
			n++
		default:
			n++
		}
	}
	slices.Sort(cut)
	switch cut = slices.Compact(cut); {
	case len(without) > 0:
		return deviates(strings.Join(append(without, cut...), "; "), test)
	case len(cut) > 0:
		return deviates(strings.Join(cut, "; "), test)
	case n == 0:
		return notApplicable(cannot)
	}
	return met(how, test)
}

// valueBeginning is the first value whose name begins with a term.
func valueBeginning(r *result.Result, term string) *rfc2544.Value {
	for i := range r.Values {
		if strings.HasPrefix(r.Values[i].Name, term) {
			return &r.Values[i]
		}
	}
	return nil
}

func firstDoubt(res *result.Result) string {
	for _, doubt := range append([]string{res.Error}, res.Warnings...) {
		if doubt != "" && !strings.Contains(doubt, " is cut short: ") {
			return strictjson.Clean(doubt)
		}
	}
	return "no value"
}

// cutOf is what a test says that it left out.
func cutOf(res *result.Result) string {
	for _, w := range res.Warnings {
		if _, what, ok := strings.Cut(w, " is cut short: "); ok {
			return strictjson.Clean(what)
		}
	}
	return "cut short"
}

// conformanceView is the table of all clauses as the page shows it.
type conformanceView struct {
	Summary string
	Rows    []clauseView
}

type clauseView struct {
	ID, Source, Level, Text, Standing, Ruling string
	Deviated                                  bool
	Links                                     []linkView
}

type linkView struct{ Name, Href string }

// conformance judges a run by every clause. Places of rulings become links to
// the page's sections and to the first result of a test.
func conformance(r *result.Results, at string) *conformanceView {
	e := &evidence{r}
	view := &conformanceView{}
	tally := map[string]int{}
	for _, c := range clauses() {
		ruling := c.judge(e)
		tally[c.level+ruling.standing]++
		row := clauseView{ID: c.id, Source: c.source, Level: c.level, Text: c.text, Standing: ruling.standing, Ruling: ruling.text, Deviated: ruling.standing == clauseDeviated}
		for _, place := range ruling.places {
			row.Links = append(row.Links, e.link(place, at))
		}
		view.Rows = append(view.Rows, row)
	}
	level := func(name string) string {
		return fmt.Sprintf("of the %ss that apply %d are met and %d deviated from", name, tally[name+clauseMet], tally[name+clauseDeviated])
	}
	view.Summary = "Of " + strings.TrimPrefix(level(levelMust), "of ") + "; " + level(levelShould) + ". " + compliance(tally)
	return view
}

// compliance is the claim of RFC 2544 section 5 that the tally allows.
func compliance(tally map[string]int) string {
	switch {
	case tally[levelMust+clauseDeviated] > 0:
		return "So this run is not compliant in the sense of RFC 2544 section 5; the table says in what."
	case tally[levelShould+clauseDeviated] > 0:
		return "So this run is conditionally compliant in the sense of RFC 2544 section 5."
	}
	return "So this run is unconditionally compliant in the sense of RFC 2544 section 5."
}

// link leads to a section of the page, or to the first result of a test.
func (e *evidence) link(place, at string) linkView {
	for i := range e.r.Results {
		if e.r.Results[i].Test == place {
			return linkView{strictjson.Clean(place), fmt.Sprintf("#%sr%d", at, i+1)}
		}
	}
	return linkView{place, "#" + at + place}
}
