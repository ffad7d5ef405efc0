package rfc2544

import (
	"slices"
	"strconv"
	"time"
)

// Shortfall is one respect in which a measurement does less than an RFC asks for.
type Shortfall struct {
	What    string `json:"what"`    // "trial duration"
	Got     string `json:"got"`     // "1s"
	Asked   string `json:"asked"`   // "1m0s", the least that the RFC asks for
	Section string `json:"section"` // "RFC 2544 section 24"
}

// TrialDuration is what falls short where trials, or the streams of a test, are too short.
const TrialDuration = "trial duration"

// Short is the suffix of a value's name when the measurement falls short of what
// the RFC asks for: only a value without shortfalls bears the RFC's name.
const Short = "_short"

// shortfalls are those of one measurement.
type shortfalls []Shortfall

// duration notes a duration below what section asks for.
func (s *shortfalls) duration(what string, got, asked time.Duration, section string) {
	if got < asked {
		*s = append(*s, Shortfall{what, got.String(), asked.String(), section})
	}
}

// number notes a number below what section asks for.
func (s *shortfalls) number(what string, got, asked int, section string) {
	if got < asked {
		*s = append(*s, Shortfall{what, strconv.Itoa(got), strconv.Itoa(asked), section})
	}
}

// name is the name of a value of the measurement.
func (s shortfalls) name(term string) string {
	if len(s) == 0 {
		return term
	}
	return term + Short
}

// fallShort adds shortfalls to the outcome, each once.
func (o *Outcome) fallShort(all []Shortfall) {
	for _, s := range all {
		if !slices.Contains(o.Shortfalls, s) {
			o.Shortfalls = append(o.Shortfalls, s)
		}
	}
}
