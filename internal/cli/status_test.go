package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/fuzz/report"
	"github.com/tunnelbench/tunnelbench/internal/signals"
	"github.com/tunnelbench/tunnelbench/netns"
)

func TestStatus(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancelCause(context.Background())
	cancel(signals.Ended{Signal: os.Interrupt})
	for name, c := range map[string]struct {
		ctx  context.Context
		err  error
		code int
		line string
	}{
		"fine":                         {ended, nil, ExitOK, ""},
		"internal":                     {t.Context(), errors.New("odd"), exitInternal, "tunnelbench: odd\n"},
		"another lab":                  {t.Context(), fmt.Errorf("lock: %w", netns.ErrLocked), ExitMachine, "tunnelbench: lock: another lab is running\n"},
		"interrupted":                  {ended, fmt.Errorf("trial: %w", context.Canceled), ExitNoVerdict, "tunnelbench: interrupted, ended by SIGINT (trial: context canceled)\n"},
		"interrupted, by its cause":    {ended, context.Cause(ended), ExitNoVerdict, "tunnelbench: interrupted, ended by SIGINT (ended by SIGINT)\n"},
		"the signal reached a program": {ended, errors.New("the device died"), ExitNoVerdict, "tunnelbench: interrupted, ended by SIGINT (the device died)\n"},
		"a finding stands":             {ended, errors.Join(report.ErrFinding, context.Canceled), ExitFinding, "tunnelbench: finding;context canceled\n"},
		"bad input stands":             {ended, BadUsage("--x"), ExitUsage, "tunnelbench: --x\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var w bytes.Buffer
			code := Status(c.ctx, c.err, &w)
			if diff := cmp.Diff(c.line, w.String()); diff != "" || code != c.code {
				t.Errorf("exit %d, want %d; (-want +got):\n%s", code, c.code, diff)
			}
		})
	}
}

// What is in the log is not printed, and the exit status is the same.
func TestLog(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancelCause(context.Background())
	cancel(signals.Ended{Signal: os.Interrupt})
	for _, c := range []struct {
		ctx  context.Context
		err  error
		code int
		log  string
	}{
		{ended, nil, ExitOK, ""},
		{t.Context(), BadUsage("--x"), ExitUsage, "level=ERROR msg=--x\n"},
		{t.Context(), MachineFault(errors.New("two\nlines")), ExitMachine, "level=ERROR msg=two;lines\n"},
		{ended, context.Canceled, ExitNoVerdict, "level=ERROR msg=\"interrupted, ended by SIGINT (context canceled)\"\n"},
	} {
		var log, w bytes.Buffer
		h := slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}})
		if code := Status(c.ctx, Log(c.ctx, c.err, slog.New(h)), &w); code != c.code || w.Len() > 0 {
			t.Errorf("%v: status %d, want %d, printed %q", c.err, code, c.code, &w)
		}
		if diff := cmp.Diff(c.log, log.String()); diff != "" {
			t.Errorf("%v (-want +got):\n%s", c.err, diff)
		}
	}
}
