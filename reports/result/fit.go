package result

import (
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// The most of lists and names that a file gets: no more than the schema takes.
const (
	mostTexts  = 1000 // also of shortfalls, values, drops and reasons
	mostStalls = 10_000
	mostName   = 256 // characters
)

// CutName shortens a name to what the schema takes.
func CutName(s string) string {
	if runes := []rune(s); len(runes) > mostName {
		return string(runes[:mostName-1]) + "…"
	}
	return s
}

// firsts returns the first n of a list.
func firsts[T any](list []T, n int) []T { return slices.Clip(NotNil(list)[:min(n, len(list))]) }

// fit returns what Read would accept of a result: without trials and values that contradict themselves,
// such as of a counter that began again during the trial. A warning counts what is left out: the rest
// of what was measured is not lost. The file has room for so many trials.
func fit(res Result, room int) Result {
	last := "too many"
	values := slices.DeleteFunc(slices.Clone(res.Values), func(v rfc2544.Value) bool {
		why := valueFault(v)
		if why != "" {
			last = why
		}
		return why != ""
	})
	trials := slices.DeleteFunc(slices.Clone(res.Trials), func(o rfc2544.Observation) bool {
		place, why := trialFault(&o)
		if why != "" {
			last = place + " " + why
		}
		return why != ""
	})
	all := len(res.Values) + len(res.Trials)
	res.Values, res.Trials, res.Shortfalls = firsts(values, mostTexts), firsts(trials, room), firsts(res.Shortfalls, mostTexts)
	if out := all - len(res.Values) - len(res.Trials); out > 0 {
		res.Warnings = append(slices.Clone(res.Warnings), fmt.Sprintf("%d of %d values and trials are left out of this file; the last: %s", out, all, last))
	}
	return res
}

// MaxText is the schema's limit for free text, in characters.
const MaxText = 4096

// Cut shortens text to MaxText characters.
func Cut(s string) string {
	if utf8.RuneCountInString(s) <= MaxText {
		return s
	}
	return string([]rune(s)[:MaxText])
}

// Texts shortens a list of texts and each of them to what the schema takes. It never returns nil.
func Texts(list []string) []string {
	out := make([]string, min(len(list), mostTexts))
	for i := range out {
		out[i] = Cut(list[i])
	}
	if more := len(list) - len(out); more > 0 {
		out[mostTexts-1] = fmt.Sprintf("and %d more", more+1)
	}
	return out
}
