package conformance

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// run provides the checks that clauses are built from.
type run struct{ *result.Results }

// unrecorded is the ruling for files of schema /1, which do not record the conditions of a run.
func unrecorded() Ruling { return notApplicable("the file does not record it") }

// of returns the results of a test.
func (r run) of(test string) (out []*result.Result) {
	for i := range r.Results.Results {
		if r.Results.Results[i].Test == test {
			out = append(out, &r.Results.Results[i])
		}
	}
	return out
}

// countTrials returns the number of trials and the sum of a counter over them.
func (r run) countTrials(of func(*rfc2544.Observation) uint64) (total uint64, trials int) {
	for i := range r.Results.Results {
		for k := range r.Results.Results[i].Trials {
			total += of(&r.Results.Results[i].Trials[k])
			trials++
		}
	}
	return total, trials
}

// sizes decides by the measured frame sizes.
func (r run) sizes(asked []rfc2544.FrameSize) Ruling {
	missing := Missing(r.Results, asked)
	if len(missing) == 0 {
		return met("all measured", "matrix")
	}
	texts := make([]string, len(missing))
	for i, s := range missing {
		texts[i] = strconv.Itoa(int(s))
	}
	return deviates("not measured: " + strings.Join(texts, ", ") + " bytes")
}

// StandardSizes returns the frame sizes of RFC 2544 section 9.1.
func StandardSizes() []rfc2544.FrameSize {
	return []rfc2544.FrameSize{64, 128, 256, 512, 1024, 1280, 1518}
}

// Missing returns the required frame sizes for which a run has no result.
func Missing(r *result.Results, asked []rfc2544.FrameSize) []rfc2544.FrameSize {
	return slices.DeleteFunc(slices.Clone(asked), func(s rfc2544.FrameSize) bool {
		return slices.ContainsFunc(r.Results, func(res result.Result) bool { return res.FrameSize == s })
	})
}

// values decides by the values of a test whose names begin with term: the clause is met if every
// result has such a value, valid and without shortfalls.
func (r run) values(test, term, how string) Ruling {
	all := r.of(test)
	if len(all) == 0 {
		return notApplicable("not measured in this run")
	}
	var faults []string
	measured, unsupported := false, ""
	for _, res := range all {
		if res.Unsupported != "" {
			unsupported = strictjson.Clean(res.Unsupported)
			continue
		}
		measured = true
		if fault := faultOf(res, term); fault != "" && !slices.Contains(faults, fault) {
			faults = append(faults, fault)
		}
	}
	switch {
	case len(faults) > 0:
		return deviates(strings.Join(faults, "; "), test)
	case !measured:
		return notApplicable(unsupported)
	}
	return met(how, test)
}

// faultOf returns why a result does not meet a clause about a value, or an empty string if it does.
func faultOf(res *result.Result, term string) string {
	i := slices.IndexFunc(res.Values, func(v rfc2544.Value) bool { return strings.HasPrefix(v.Name, term) })
	switch {
	case i < 0 || !res.Valid:
		return fmt.Sprintf("%s at %d: %s", strictjson.Clean(res.DUT), int(res.FrameSize), firstDoubt(res))
	case !strings.HasSuffix(res.Values[i].Name, rfc2544.Short):
		return ""
	case len(res.Shortfalls) == 0:
		return "the file does not record in what it falls short"
	}
	texts := make([]string, len(res.Shortfalls))
	for k, s := range res.Shortfalls {
		texts[k] = result.ShortfallText(s)
	}
	return strings.Join(texts, "; ")
}

func firstDoubt(res *result.Result) string {
	for _, doubt := range append([]string{res.Error}, res.Warnings...) {
		if doubt != "" {
			return strictjson.Clean(doubt)
		}
	}
	return "no value"
}
