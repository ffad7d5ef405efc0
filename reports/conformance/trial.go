package conformance

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

var trials = []rule{
	{Clause{"T1", "RFC 2544, 13 and 23a", Must, "Routes are sent at the start of each trial"}, never("routes are static and set when the device is brought up")},
	{Clause{"T2", "RFC 2544, 23b", Described, "Learning frames before the trial"}, never("neighbours are permanent entries: there is nothing to learn")},
	{Clause{"T3", "RFC 2544, 23c", Described, "The number of frames is known before and checked after"}, run.allSent},
	{Clause{"T4", "RFC 2544, 23d", Described, "Receiving goes on for 2 s after the last frame"}, func(r run) Ruling {
		text := fmt.Sprintf("loss timeout %v: receiving ends once all frames are back, or nothing came for that long", r.LossTimeout)
		switch {
		case !r.Recorded():
			return unrecorded()
		case r.LossTimeout < rfc2544.ReceiveWindow:
			return deviates(text)
		}
		return met(text, "method")
	}},
	{Clause{"T5", "RFC 2544, 23e", Described, "Five seconds of rest before the next trial"}, func(r run) Ruling {
		switch {
		case !r.Recorded():
			return unrecorded()
		case r.Rest < 5*time.Second:
			return deviates(fmt.Sprintf("%v of rest", r.Rest))
		}
		return met(r.Rest.String(), "method")
	}},
	{Clause{"T6", "RFC 2544, 24", Should, "Trials of 60 s at least for what is reported"}, run.minutes},
}

// allSent checks only valid trials, because reports leave out invalid ones.
func (r run) allSent() Ruling {
	short, valid := 0, 0
	r.countTrials(func(o *rfc2544.Observation) uint64 {
		if o.Valid {
			valid++
			if o.Offered < o.Intended {
				short++
			}
		}
		return 0
	})
	text := fmt.Sprintf("in %d of %d valid trials the tester sent fewer frames than intended", short, valid)
	switch {
	case valid == 0:
		return notApplicable("no valid trial")
	case short > 0:
		return deviates(text, "details")
	}
	return met(text, "details")
}

func (r run) minutes() Ruling {
	var short []string
	measured := false
	for i := range r.Results.Results {
		res := &r.Results.Results[i]
		if len(res.Values) == 0 || res.Test == rfc2544.NameStreams {
			continue
		}
		measured = true
		if test := strictjson.Clean(res.Test); shorterThanMinute(res) && !slices.Contains(short, test) {
			short = append(short, test)
		}
	}
	switch {
	case !measured:
		return notApplicable("nothing is reported")
	case len(short) > 0:
		return deviates("shorter trials: "+strings.Join(short, ", "), "details")
	}
	return met("every value rests on trials of 60 s or more", "details")
}

func shorterThanMinute(res *result.Result) bool {
	return slices.ContainsFunc(res.Shortfalls, func(s rfc2544.Shortfall) bool {
		got, err := time.ParseDuration(s.Got)
		return s.What == rfc2544.TrialDuration && err == nil && got < time.Minute
	})
}
