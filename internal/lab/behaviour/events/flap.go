package events

import (
	"context"
	"errors"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab/behaviour/probe"
	"github.com/tunnelbench/tunnelbench/reports/behaviour"
)

// Flap takes the left end's link away for some times, each on a fresh bring-up. The time counts from when the link is up
// again.
func Flap(ctx context.Context, b *Bench) (f behaviour.Finding, err error) {
	for _, down := range b.Times.Down {
		o, r, err := b.flap(ctx, down)
		if err != nil {
			return f, err
		}
		o.tell(&f, r)
	}
	f.Verdict = behaviour.None
	return f, nil
}

func (b *Bench) flap(ctx context.Context, down time.Duration) (o outage, r probe.Result, err error) {
	s, err := b.open(ctx, openSwitch)
	if err != nil {
		return o, r, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	o = outage{name: short(down), limit: b.Times.Limit}
	r, err = s.during(ctx, &o, down, func() error {
		return errors.Join(s.setLink(false), rest(ctx, down), s.setLink(true))
	})
	return o, r, err
}
