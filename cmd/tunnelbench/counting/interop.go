package counting

import (
	"context"
	"errors"

	"github.com/tunnelbench/tunnelbench/internal/lab/emulated"
	lab "github.com/tunnelbench/tunnelbench/internal/lab/interop"
	"github.com/tunnelbench/tunnelbench/reports/interop"
)

// Interop fills the report as interop.Run does, in an emulated machine: its kernel may have what this one lacks.
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
	done, err := b.Interop(ctx)
	if err != nil {
		return err
	}
	r.CPU, r.Kernel, r.Ends, r.Checks, r.Cells = done.CPU, done.Kernel, done.Ends, done.Checks, done.Cells
	return nil
}
