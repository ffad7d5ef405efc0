package counting

import (
	"context"
	"errors"

	"github.com/tunnelbench/tunnelbench/internal/lab/emulated"
	lab "github.com/tunnelbench/tunnelbench/internal/lab/interop"
	"github.com/tunnelbench/tunnelbench/reports/interop"
)

// Interop fills the report as interop.Run does, in an emulated machine: its kernel may have what this one lacks. If ctx ends,
// or the machine fails, the cells that it had not told of have no verdict.
func Interop(ctx context.Context, p lab.Plan, r *interop.Report) (err error) {
	m, err := emulated.Find(ctx, "")
	if err != nil {
		return err
	}
	b, err := m.Prepare(emulated.Request{Devices: p.Ends, Interop: p.Names()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	m.Describe(r)
	if err := b.Interop(ctx, p.Fill(r).Note); ctx.Err() == nil {
		return err
	}
	return nil // the cells say so
}
