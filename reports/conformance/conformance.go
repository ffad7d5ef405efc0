// Package conformance holds a run against the clauses of RFC 2544 and its family,
// one by one. It looks at the fields of the results and at nothing else: not at the
// command line, names of profiles or the text of warnings.
//
//	results ──► clause ──► met (what shows it) | deviated (how) | not applicable (why)
//
// What every run meets because of the way the program is built is no evidence of a
// run, so there is no clause for it: docs/rfc2544.md describes it. Clauses that no
// run meets are here, since RFC 2544 section 5 makes them part of any claim.
package conformance

import (
	"fmt"
	"slices"

	"github.com/tunnelbench/tunnelbench/reports/result"
)

// Standing is how a run stands by a clause.
type Standing string

// The standings.
const (
	Met           Standing = "met"
	Deviated      Standing = "deviated"
	NotApplicable Standing = "not applicable"
)

// Level is how strongly an RFC asks: in RFC 2119's words, or without one.
type Level string

// The levels.
const (
	Must      Level = "MUST"
	Should    Level = "SHOULD"
	Described Level = "described"
)

// Clause is one requirement of the RFCs.
type Clause struct {
	ID     string // E, M, T and P: environment, modifiers, trial, procedures
	Source string // "RFC 2544, 9.1"
	Level  Level
	Text   string
}

// Ruling is how a run stands by a clause: what shows that it is met, how it
// deviates, or why it does not apply.
type Ruling struct {
	Standing Standing
	Text     string
	Places   []string // where a report shows it: ids of sections, or names of tests
}

// Assessment is a clause and the ruling on it.
type Assessment struct {
	Clause
	Ruling
}

// rule is a clause and how it is decided.
type rule struct {
	Clause
	decide func(run) Ruling
}

func met(text string, places ...string) Ruling      { return Ruling{Met, text, places} }
func deviates(text string, places ...string) Ruling { return Ruling{Deviated, text, places} }
func notApplicable(text string) Ruling              { return Ruling{Standing: NotApplicable, Text: text} }

// never is the decision on a clause that no run meets.
func never(text string) func(run) Ruling { return func(run) Ruling { return deviates(text) } }

func rules() []rule { return slices.Concat(environment, modifiers, trials, procedures) }

// Assess holds a run against every clause.
func Assess(r *result.Results) (all []Assessment) {
	for _, c := range rules() {
		all = append(all, Assessment{c.Clause, c.decide(run{r})})
	}
	return all
}

// Summary is what an assessment amounts to, with the claim that RFC 2544 section 5
// allows.
func Summary(all []Assessment) string {
	count := func(level Level, standing Standing) (n int) {
		for _, a := range all {
			if a.Level == level && a.Standing == standing {
				n++
			}
		}
		return n
	}
	of := func(level Level) string {
		return fmt.Sprintf("of the %ss that apply %d are met and %d deviated from", level, count(level, Met), count(level, Deviated))
	}
	claim := "So this run is unconditionally compliant in the sense of RFC 2544 section 5."
	switch {
	case count(Must, Deviated) > 0:
		claim = "So this run is not compliant in the sense of RFC 2544 section 5; the table says in what."
	case count(Should, Deviated) > 0:
		claim = "So this run is conditionally compliant in the sense of RFC 2544 section 5."
	}
	return "Beside what holds by construction, " + of(Must) + "; " + of(Should) + ". " + claim
}
