package main

import (
	"fmt"
	"io"
	"os"
)

// progressLine is one line of a terminal that changes while the work goes on. Elsewhere it
// writes nothing.
type progressLine struct {
	w io.Writer // nil: no terminal
}

func newProgressLine(w io.Writer) progressLine {
	if !isTerminal(w) {
		return progressLine{}
	}
	return progressLine{w}
}

// show replaces the line.
func (p progressLine) show(format string, args ...any) {
	p.clear()
	if p.w != nil {
		fmt.Fprintf(p.w, format, args...)
	}
}

// clear leaves an empty line for what is to stay.
func (p progressLine) clear() {
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

// colour reports whether w is a terminal that wants colours (no-color.org).
func colour(w any) bool { return isTerminal(w) && os.Getenv("NO_COLOR") == "" }
