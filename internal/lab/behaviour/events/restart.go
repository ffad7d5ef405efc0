package events

import (
	"context"
	"errors"
	"fmt"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/behaviour/probe"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/reports/behaviour"
)

// Restart ends the program of one end and starts it again, the left one and then the right one, each on a fresh bring-up.
// The time counts from when the end is up and configured again.
func Restart(ctx context.Context, b *Bench) (f behaviour.Finding, err error) {
	for _, side := range []string{netns.Left, netns.Right} {
		o, r, err := b.restart(ctx, side)
		if err != nil {
			return f, err
		}
		o.tell(&f, r)
	}
	f.Verdict = behaviour.None
	return f, nil
}

func (b *Bench) restart(ctx context.Context, side string) (o outage, r probe.Result, err error) {
	s, err := b.open(ctx, nil)
	if err != nil {
		return o, r, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	o = outage{name: side, limit: b.Times.Limit}
	r, err = s.during(ctx, &o, 2*b.Device.UpTimeout(), func() error {
		err := s.Session().Restart(ctx, side)
		if err != nil && !errors.Is(err, errors.ErrUnsupported) {
			err = lab.DownError{Err: fmt.Errorf("restart of the %s end: %w", side, err)}
		}
		return err
	})
	return o, r, err
}
