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

// TrialDuration is the What of a shortfall in the length of trials or streams.
const TrialDuration = "trial duration"

// Short is the suffix of a value's name if the measurement has shortfalls: only a value without
// shortfalls has the name that the RFC uses.
const Short = "_short"

// shortfalls collects the shortfalls of one measurement.
type shortfalls []Shortfall

// duration adds a shortfall if got is below the duration that section asks for.
func (s *shortfalls) duration(what string, got, asked time.Duration, section string) {
	if got < asked {
		*s = append(*s, Shortfall{what, got.String(), asked.String(), section})
	}
}

// number adds a shortfall if got is below asked, the number required by a section of an RFC.
func (s *shortfalls) number(what string, got, asked int, section string) {
	if got < asked {
		*s = append(*s, Shortfall{what, strconv.Itoa(got), strconv.Itoa(asked), section})
	}
}

// name returns the name of a value of the measurement.
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
