package guest

import (
	"context"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab/emulated"
	"github.com/tunnelbench/tunnelbench/internal/lab/interop"
	reports "github.com/tunnelbench/tunnelbench/reports/interop"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

// tryEnds puts the devices of a job, which are ends of WireGuard, to its checks. It tells the host of each cell as it ends.
func tryEnds(ctx context.Context, job emulated.Job) error {
	ends, err := interop.ParseEnds(job.Devices)
	if err != nil {
		return err
	}
	return interop.Run(ctx, interop.Plan{
		Ends: ends, Only: job.Interop, OnCell: func(_, _ int, c reports.Cell) { say(emulated.Line{Cell: &c}) },
	}, interop.NewReport(result.Tool{}, nil, time.Now()))
}
