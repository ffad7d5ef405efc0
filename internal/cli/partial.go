package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Partial is the file of what was measured so far, for the case that the program does not come to write
// all of it. The work goes on without it, but not in silence.
type Partial struct {
	Path string
	Err  io.Writer // for what cannot be saved

	failed bool // the last Save
	kept   bool // the file has something of this run
}

// Save saves what was measured so far with write. If it cannot, it says so, once until it can again.
func (p *Partial) Save(write func(path string) error) {
	err := write(p.Path)
	if err != nil && !p.failed {
		fmt.Fprintf(p.Err, "tunnelbench: %s: what is measured now is lost if the program is killed\n", OneLine(err))
	}
	p.failed, p.kept = err != nil, p.kept || err == nil
}

// Remove removes the file: all of it is in another one.
func (p *Partial) Remove() error {
	if err := os.Remove(p.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Lost returns err, of the file that was to hold all that was measured, with what is left of that.
func (p *Partial) Lost(err error) error {
	switch {
	case !p.kept:
		return fmt.Errorf("%w; what was measured is lost", err)
	case p.failed:
		return fmt.Errorf("%w; a part of what was measured is in %s, the rest is lost", err, p.Path)
	}
	return fmt.Errorf("%w; what was measured is in %s", err, p.Path)
}
