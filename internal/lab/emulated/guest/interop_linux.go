package guest

import (
	"context"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab/emulated"
	"github.com/tunnelbench/tunnelbench/internal/lab/interop"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

// tryEnds puts the devices of a job, which are ends of WireGuard, to its checks.
func tryEnds(ctx context.Context, job emulated.Job) error {
	ends, err := interop.ParseEnds(job.Devices)
	if err != nil {
		return err
	}
	r := interop.NewReport(result.Tool{}, nil, time.Now())
	if err := interop.Run(ctx, interop.Plan{Ends: ends, Only: job.Interop}, r); err != nil {
		return err
	}
	say(emulated.Line{Interop: r})
	return nil
}
