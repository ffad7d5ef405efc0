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

// decode1 reads a file of schema /1. Its drops are counts by the text that names their place,
// which rfc2544.Drops reads, too.
func decode1(data []byte) (*Results, error) {
	r := new(Results)
	if err := resultsSchema1().Decode(data, r); err != nil {
		return nil, err
	}
	for i := range r.Results {
		r.Results[i].Shortfalls = shortfalls1(&r.Results[i])
	}
	return r, nil
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
