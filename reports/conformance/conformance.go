// Package conformance checks a run against each clause of RFC 2544 and its related RFCs. It uses
// only the fields of the results and ignores the command line, profile names and warning texts.
//
//	results ──► clause ──► met (what shows it) | deviated (how) | not applicable (why)
//
// Clauses that every run meets by the program's design are not listed here; docs/rfc2544.md
// describes them. Clauses that no run meets are listed, because RFC 2544 section 5 requires that a
// claim of conformance names them.
package conformance

import (
	"fmt"
	"slices"

	"github.com/tunnelbench/tunnelbench/reports/result"
)

// Standing is the outcome of checking one clause.
type Standing string

// The possible outcomes.
const (
	Met           Standing = "met"
	Deviated      Standing = "deviated"
	NotApplicable Standing = "not applicable"
)

// Level is the requirement level of a clause: a keyword of RFC 2119, or "described" if the RFC uses
// no keyword.
type Level string

// The requirement levels.
const (
	Must      Level = "MUST"
	Should    Level = "SHOULD"
	Described Level = "described"
)

// Clause is one requirement of the RFCs.
type Clause struct {
	ID     string // starts with E (environment), M (modifiers), T (trial) or P (procedures)
	Source string // "RFC 2544, 9.1"
	Level  Level
	Text   string
}

// Ruling is the outcome for one clause, with the evidence that the run meets it, the deviation, or
// the reason why the clause does not apply.
type Ruling struct {
	Standing Standing
	Text     string
	Places   []string // where a report shows the evidence: section ids or test names
}

// Assessment is a clause with its ruling.
type Assessment struct {
	Clause
	Ruling
}

// rule is a clause with the function that decides it.
type rule struct {
	Clause
	decide func(run) Ruling
}

func met(text string, places ...string) Ruling      { return Ruling{Met, text, places} }
func deviates(text string, places ...string) Ruling { return Ruling{Deviated, text, places} }
func notApplicable(text string) Ruling              { return Ruling{Standing: NotApplicable, Text: text} }

// never returns a decision function for a clause that no run meets.
func never(text string) func(run) Ruling { return func(run) Ruling { return deviates(text) } }

func rules() []rule { return slices.Concat(environment, modifiers, trials, procedures) }

// Assess checks a run against all clauses.
func Assess(r *result.Results) (all []Assessment) {
	for _, c := range rules() {
		all = append(all, Assessment{c.Clause, c.decide(run{r})})
	}
	return all
}

// Summary summarizes an assessment and states the claim that RFC 2544 section 5 permits.
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
