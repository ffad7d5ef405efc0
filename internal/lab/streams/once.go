package streams

import (
	"context"
	"errors"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/netns/dut"
)

// Once is a single trial of streams.
type Once struct {
	Kind        string
	Connections int
	Duration    time.Duration
}

// MeasureOnce brings a device and its hosts up for one trial. The stream's warnings have
// the lab's doubts.
func MeasureOnce(ctx context.Context, l *lab.Lab, d dut.Device, s lab.Settings, o Once) (Stream, error) {
	h, err := Open(ctx, l, d, s)
	if err != nil {
		return Stream{}, err
	}
	p := h.Plan(o.Kind)
	p.Connections, p.Duration = o.Connections, o.Duration
	seen, err := h.Measure(ctx, p)
	seen.Warnings = append(seen.Warnings, l.Doubts()...)
	return seen, errors.Join(err, h.Close())
}
