package events

import (
	"context"
	"errors"
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

// during runs a light stream while something happens, which takes a time at most, and until packets flow again or the
// outage's limit has passed. It notes the times in the outage.
func (s *stand) during(ctx context.Context, o *outage, takes time.Duration, happen func() error) (r probe.Result, err error) {
	stream, err := s.stream(takes + o.limit)
	if err != nil {
		return r, err
	}
	defer func() {
		var stopped error
		r, stopped = stream.Stop(drain)
		err = errors.Join(err, stopped)
	}()
	if err := rest(ctx, warm); err != nil {
		return r, err
	}
	o.began = stream.Now()
	err = happen()
	o.ended = stream.Now()
	if err != nil {
		return r, err
	}
	if _, err := stream.Await(ctx, o.ended, o.limit); err != nil {
		return r, err
	}
	return r, rest(ctx, settle)
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
		hit := d.series.Between(o.began-usual, silence.To)
		name := o.name + "-" + d.name
		if !silence.Over {
			state = fmt.Sprintf("not back within %v", o.limit)
		} else {
			f.Measured(name+"-back", "ns", float64(silence.After(o.ended)), 1)
			f.Measured(name+"-silent", "ns", float64(silence.Length()), 1)
		}
		f.Measured(name+"-lost", "packets", float64(hit.Lost()), len(hit))
		if held, longest := hit.Held(o.usual(d.series)); held > 0 {
			f.Measured(name+"-held", "packets", float64(held), len(hit))
			f.Measured(name+"-held-for", "ns", float64(longest), held)
		}
		resolution = max(resolution, silence.Resolution)
	}
	f.Note(o.name, state)
	f.Measured(o.name+"-resolution", "ns", float64(resolution), 1)
}

// usual is added to the delay that packets had before an outage: with more than that, one was held. Packets sent so long
// before the outage may have been on their way.
const usual = 10 * time.Millisecond

// usual returns the longest delay of a packet that was not held.
func (o outage) usual(s series.Series) time.Duration {
	before, _ := s.Between(0, o.began-usual).Quantiles()
	return before.P50 + usual
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
