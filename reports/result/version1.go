package result

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// isVersion1 reports whether a file declares schema /1. It returns false for invalid JSON, which
// the strict reader then reports.
func isVersion1(data []byte) bool {
	var head struct {
		Schema string `json:"schema"`
	}
	return json.Unmarshal(data, &head) == nil && head.Schema == Schema1
}

// decode1 reads a file of schema /1. That schema stores drops as counts by place name;
// rfc2544.Drops decodes both forms.
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

// shortfalls1 derives shortfalls for files of schema /1, which do not store them: the rate and
// latency tests fall short if a trial was too short. Other tests mark a shortfall only in the
// value's name, which ends in _short.
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
