package cli

import (
	"fmt"
	"io"
	"os"
)

// ProgressLine is one line of a terminal that changes while the work goes on. Elsewhere it
// writes nothing.
type ProgressLine struct {
	w io.Writer // nil: no terminal
}

// NewProgressLine is the line of w.
func NewProgressLine(w io.Writer) ProgressLine {
	if !isTerminal(w) {
		return ProgressLine{}
	}
	return ProgressLine{w}
}

// Show replaces the line.
func (p ProgressLine) Show(format string, args ...any) {
	p.Clear()
	if p.w != nil {
		fmt.Fprintf(p.w, format, args...)
	}
}

// Clear leaves an empty line for what is to stay.
func (p ProgressLine) Clear() {
	if p.w != nil {
		fmt.Fprint(p.w, "\r\x1b[K") // ECMA-48: erase to the end of the line
	}
}

func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// Colour reports whether w is a terminal that wants colours (no-color.org).
func Colour(w any) bool { return isTerminal(w) && os.Getenv("NO_COLOR") == "" }
