package fuzz

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/tunnelbench/tunnelbench/fuzz/report"
)

// Record runs a plan, adds the result of each target to c and writes it to w. After each target it calls
// save, so that an interrupted campaign has its files. The error is the verdict: see Campaign.Err.
func Record(ctx context.Context, plan Plan, c *report.Campaign, w io.Writer, save func(*report.Campaign) error) error {
	var unsaved error
	err := Run(ctx, plan, func(t report.Target) {
		c.Targets = append(c.Targets, t)
		fmt.Fprint(w, report.Line(t))
		c.Ended = c.Started.Add(time.Since(c.Started)).Round(0) // whatever was done to the clock meanwhile
		unsaved = save(c)
	})
	return errors.Join(c.Err(), err, unsaved)
}
