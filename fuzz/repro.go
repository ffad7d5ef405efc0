package fuzz

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// ErrInput means that an input cannot be read.
var ErrInput = errors.New("no input")

// Repro runs inputs through a target, each in a separate process, and writes the result of each.
// It returns how many break an oracle.
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
