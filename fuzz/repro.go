package fuzz

import (
	"context"
	"fmt"
	"io"

	"github.com/tunnelbench/tunnelbench/fuzz/report"
)

// Repro runs inputs through a target, each in a separate process of program, and writes the result of each
// to w. It returns report.ErrFinding if any breaks an oracle.
func Repro(ctx context.Context, w io.Writer, t Target, program string, files []string) error {
	broken := 0
	for _, path := range files {
		data, err := ReadInput(ctx, path)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrInput, err)
		}
		f, err := Replay(ctx, t, program, data)
		if err != nil {
			return err
		}
		if f.None() {
			fmt.Fprintf(w, "%s: %d bytes: every oracle holds\n", path, len(data))
			continue
		}
		broken++
		fmt.Fprintf(w, "%s: %d bytes: oracle %s: %s\n", path, len(data), f.Oracle, f.Seen)
		for _, frame := range f.Stack {
			fmt.Fprintf(w, "  %s:%d %s\n", frame.File, frame.Line, frame.Function)
		}
	}
	if broken > 0 {
		return fmt.Errorf("%w: %d of %d inputs break an oracle", report.ErrFinding, broken, len(files))
	}
	return nil
}
