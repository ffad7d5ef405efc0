package fuzz

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// ErrInput is what Repro's error wraps when an input cannot be read.
var ErrInput = errors.New("no input")

// Repro runs inputs of a corpus through a target, each in a process of its own,
// and writes what each does. It counts those that break an oracle.
func Repro(ctx context.Context, w io.Writer, t Target, program string, files []string) (broken int, err error) {
	for _, path := range files {
		data, err := ReadInput(path)
		if err != nil {
			return broken, fmt.Errorf("%w: %w", ErrInput, err)
		}
		f, err := Replay(ctx, t, program, data)
		if err != nil {
			return broken, err
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
	return broken, nil
}
