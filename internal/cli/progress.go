package cli

import (
	"fmt"
	"io"
	"os"
)

// ProgressLine is a terminal line that is overwritten while the work goes on. If the output is no
// terminal, it writes nothing.
type ProgressLine struct {
	w io.Writer // nil if the output is no terminal
}

// NewProgressLine returns a progress line on w.
func NewProgressLine(w io.Writer) ProgressLine {
	if !IsTerminal(w) {
		return ProgressLine{}
	}
	return ProgressLine{w}
}

// Show replaces the text of the line.
func (p ProgressLine) Show(format string, args ...any) {
	p.Clear()
	if p.w != nil {
		fmt.Fprintf(p.w, format, args...)
	}
}

// Clear erases the line, so that permanent output can follow.
func (p ProgressLine) Clear() {
	if p.w != nil {
		fmt.Fprint(p.w, "\r\x1b[K") // ECMA-48: erase to the end of the line
	}
}

// Over returns a writer to w that clears the line before each write.
func (p ProgressLine) Over(w io.Writer) io.Writer { return overLine{p, w} }

type overLine struct {
	line ProgressLine
	w    io.Writer
}

func (o overLine) Write(b []byte) (int, error) {
	o.line.Clear()
	return o.w.Write(b)
}

// IsTerminal reports whether a stream is a terminal.
func IsTerminal(w any) bool {
	if c, ok := w.(*counter); ok {
		w = c.w
	}
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// Colour reports whether w is a terminal and NO_COLOR is unset (no-color.org).
func Colour(w any) bool { return IsTerminal(w) && os.Getenv("NO_COLOR") == "" }
