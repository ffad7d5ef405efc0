package events

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab/behaviour/probe"
	"github.com/tunnelbench/tunnelbench/internal/lab/behaviour/series"
	"github.com/tunnelbench/tunnelbench/reports/behaviour"
)

// outage is what happened to a stream, by the stream's clock.
type outage struct {
	name  string        // such as "left"; the beginning of the names of its facts and values
	began time.Duration // the link went down, the end was stopped
	ended time.Duration // the link is up again, the end has started
	limit time.Duration // so long after ended packets had to flow again
}

// direction is one direction of a stream.
type direction struct {
	name   string
	series series.Series
}

func directions(r probe.Result) [2]direction {
	return [2]direction{{"forward", r.Forward}, {"reverse", r.Reverse}}
}

// tell adds to a finding how a stream got over an outage: what a user of the tunnel noticed.
func (o outage) tell(f *behaviour.Finding, r probe.Result) {
	state, resolution := "back", time.Duration(0)
	for _, d := range directions(r) {
		silence := d.series.Longest(o.began)
		hit := d.series.Between(o.began-slack, silence.To)
		name := o.name + "-" + d.name
		if !silence.Over {
			state = fmt.Sprintf("not back within %v", o.limit)
		} else {
			f.Measured(name+"-back", "ns", float64(o.back(silence)), 1)
			f.Measured(name+"-silent", "ns", float64(silence.Length()), 1)
		}
		f.Measured(name+"-lost", "packets", float64(hit.Lost()), len(hit))
		if held, longest := hit.Held(o.longest(d.series)); held > 0 {
			f.Measured(name+"-held", "packets", float64(held), len(hit))
			f.Measured(name+"-held-for", "ns", float64(longest), held)
		}
		resolution = max(resolution, silence.Resolution)
	}
	f.Note(o.name, state)
	f.Measured(o.name+"-resolution", "ns", float64(resolution), 1)
}

// back returns how long after the outage a silence was over: 0 if it was over before, or if it is no longer than what the
// sender's own pauses make.
func (o outage) back(s series.Silence) time.Duration {
	if s.Length() <= s.Resolution+slack {
		return 0
	}
	return s.After(o.ended)
}

// slack is how much longer than usual a packet may take without having been held. Packets that were sent so long before an
// outage may still be on their way when it begins.
const slack = 10 * time.Millisecond

// longest returns the longest delay of a packet that was not held: the usual one before the outage, and some more.
func (o outage) longest(s series.Series) time.Duration {
	before, _ := s.Between(0, o.began-slack).Quantiles()
	return before.P50 + slack
}

// short writes a time for the name of a value: 1s, 5m.
func short(d time.Duration) string {
	for _, u := range []struct {
		unit time.Duration
		name string
	}{{time.Minute, "m"}, {time.Second, "s"}, {time.Millisecond, "ms"}} {
		if d >= u.unit && d%u.unit == 0 {
			return strconv.FormatInt(int64(d/u.unit), 10) + u.name
		}
	}
	return strings.ReplaceAll(d.String(), "µ", "u")
}
