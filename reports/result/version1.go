package result

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// isVersion1 reports whether a file says that it is of schema /1. What is no
// JSON is left to the strict reader, which says why.
func isVersion1(data []byte) bool {
	var head struct {
		Schema string `json:"schema"`
	}
	return json.Unmarshal(data, &head) == nil && head.Schema == Schema1
}

// What differs in files of schema /1: drops are counts by the text that names their place.
type (
	results1 struct {
		Results
		Those []result1 `json:"results"`
	}
	result1 struct {
		Result
		Trials []trial1 `json:"trials"`
	}
	trial1 struct {
		rfc2544.Observation
		Drops map[string]int64 `json:"drops"`
	}
)

// decode1 reads a file of schema /1.
func decode1(data []byte) (*Results, error) {
	var old results1
	if err := resultsSchema1().Decode(data, &old); err != nil {
		return nil, err
	}
	r := &old.Results
	r.Results = make([]Result, len(old.Those))
	for i := range old.Those {
		r.Results[i] = old.Those[i].now()
	}
	return r, nil
}

// now is the result as the model has it today.
func (old *result1) now() Result {
	res := old.Result
	res.Trials = make([]rfc2544.Observation, len(old.Trials))
	for i := range old.Trials {
		res.Trials[i] = old.Trials[i].Observation
		res.Trials[i].Drops = old.Trials[i].Drops
	}
	res.Shortfalls = shortfalls1(&res)
	return res
}

// shortfalls1 are those that the trials of the rate and latency tests show; of other
// tests a file of schema /1 has only the names of values, which end in _short.
func shortfalls1(r *Result) []rfc2544.Shortfall {
	asked, section := time.Minute, "RFC 2544 section 24"
	switch r.Test {
	case rfc2544.NameRate:
	case rfc2544.NameLatency:
		asked, section = rfc2544.DelayStream, "RFC 2544 section 26.2"
	default:
		return nil
	}
	var got []time.Duration
	for _, o := range r.Trials {
		got = append(got, o.Duration)
	}
	if len(got) == 0 || slices.Min(got) >= asked {
		return nil
	}
	return []rfc2544.Shortfall{{What: rfc2544.TrialDuration, Got: slices.Min(got).Round(time.Millisecond).String(), Asked: asked.String(), Section: section}}
}
