package behaviour

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/reports/behaviour"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// reordering asks whether packets overtake others at half the rate that the device carries: all of one flow, and of
// many flows.
var reordering = Test{
	Name: "reordering", Doc: "packets that overtake others at half the device's rate, of one flow and of many (RFC 4737)", Takes: 5 * time.Second,
	Run: func(ctx context.Context, b *Bench) (behaviour.Finding, error) {
		var one, many loadgen.StreamLedger
		err := b.underLoad(ctx, func(s *lab.Setup) error {
			rate, err := carries(ctx, s, b.loadTime())
			if err != nil {
				return err
			}
			half := rfc2544.Trial{Size: loadSize, Load: rate / 2, Duration: b.loadTime()}
			if one, err = run(ctx, s, half, 1); err == nil {
				many, err = run(ctx, s, half, loadFlows)
			}
			return err
		})
		if err != nil {
			return behaviour.Finding{}, err
		}
		return judgeOrder(one, many), nil
	},
}

// The load of tests that ask at load.
const (
	loadSize  = 512 // octets of a frame
	loadFlows = 31  // a prime: what a queue or a batch of 64 frames takes does not always hit the same flows
)

const (
	// loadLossTimeout is also the silence that ends a trial. Frames that come later count in none.
	loadLossTimeout = 300 * time.Millisecond
	defaultLoadTime = 500 * time.Millisecond
)

func (b *Bench) loadTime() time.Duration { return cmp.Or(b.LoadTime, defaultLoadTime) }

// underLoad brings the device up between the lab's engines.
func (b *Bench) underLoad(ctx context.Context, ask func(*lab.Setup) error) error {
	settings := b.Settings
	settings.Flows, settings.LossTimeout = loadFlows, cmp.Or(settings.LossTimeout, loadLossTimeout)
	s, err := b.Lab.Setup(ctx, b.Device, settings, loadSize)
	if err != nil {
		return err
	}
	return errors.Join(ask(s), s.Close())
}

// run runs a trial over a number of flows.
func run(ctx context.Context, s *lab.Setup, t rfc2544.Trial, flows int) (l loadgen.StreamLedger, err error) {
	p := s.Plan(t)
	p.Flows = flows
	r, err := s.Execute(ctx, p)
	if err != nil {
		return l, err
	}
	return r.Ledger.Streams[0], nil
}

// carries returns the rate at which a device delivers frames of a flood.
func carries(ctx context.Context, s *lab.Setup, duration time.Duration) (rfc2544.Rate, error) {
	l, err := run(ctx, s, rfc2544.Trial{Size: loadSize, Load: rfc2544.Flood, Duration: duration}, 1)
	if err != nil {
		return 0, err
	}
	const least = 2 // frames that make a span
	if l.Received+l.Late < least || l.Span <= 0 {
		return 0, fmt.Errorf("of %d frames of a flood, %d came", l.Offered, l.Received+l.Late)
	}
	return rfc2544.Rate(float64(l.Received+l.Late) / l.Span.Seconds()), nil
}

// judgeOrder counts. No document forbids that a network reorders; RFC 4737 section 3 says what a reordered packet is.
func judgeOrder(one, many loadgen.StreamLedger) (f behaviour.Finding) {
	f.Verdict = behaviour.None
	for _, l := range []struct {
		name string
		loadgen.StreamLedger
	}{{"one-flow", one}, {"many-flows", many}} {
		came := l.Received + l.Late
		if came == 0 {
			f.Verdict, f.Why = behaviour.NotMeasured, "no frame came"
			return f
		}
		word := "kept"
		if l.Reordered > 0 {
			word = changed
		}
		f.Note(l.name, word)
		f.Measured("reordered_"+l.name, "ppm", float64(l.Reordered)/float64(came)*1e6, int(came))
	}
	return f
}
