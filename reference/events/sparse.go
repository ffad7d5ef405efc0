package events

import (
	"context"
	"log"
	"log/slog"
	"sync"
	"time"
)

// Sparse returns a logger for a package that writes lines of its own, as net/http does: each becomes an error event.
// There is at most one each Period; the next one has the number of those that were left out.
func Sparse(l *slog.Logger) *log.Logger {
	return slog.NewLogLogger(&sparse{Handler: l.Handler()}, slog.LevelError)
}

// sparse leaves out records that come within a Period after another one.
type sparse struct {
	slog.Handler

	mu   sync.Mutex // guards the following
	last time.Time
	left int
}

// Handle handles a record, or counts it.
func (s *sparse) Handle(ctx context.Context, r slog.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.last.IsZero() && r.Time.Sub(s.last) < Period {
		s.left++
		return nil
	}
	if s.left > 0 {
		r.AddAttrs(slog.Int("left_out", s.left))
	}
	s.last, s.left = r.Time, 0
	return s.Handler.Handle(ctx, r)
}
