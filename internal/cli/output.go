package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/tunnelbench/tunnelbench/fuzz/report"
	"github.com/tunnelbench/tunnelbench/reports"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

// PartialFile is the name of the file that holds the results of a run before it has ended. It is a
// results file like any other.
const PartialFile = "partial.json"

// Output is where the results of a verb that measures go.
type Output struct {
	dir     string
	streams Streams
	partial Partial
}

// NewOutput returns an output into a directory. The line is cleared before anything is said.
func NewOutput(dir string, s Streams, line ProgressLine) *Output {
	return &Output{dir, s, Partial{Path: filepath.Join(dir, PartialFile), Err: line.Over(s.Err)}}
}

// Save saves the results so far.
func (o *Output) Save(r *result.Results) {
	part := *r
	part.Ended = End(r)
	o.partial.Save(func(path string) error { return result.Write(path, &part) })
}

// Write ends the verb: it writes results.json, the page and the charts, then prints the tables, and
// returns the verdict. In this order a closed pipe costs no file and no file the verdict. An error says
// where the results are, or that they are lost.
func (o *Output) Write(r *result.Results, verdict error) error {
	path := filepath.Join(o.dir, "results.json")
	err := result.Write(path, r)
	if err != nil {
		err = o.rescue(path, r, err)
	} else {
		if verdict != nil {
			verdict = fmt.Errorf("%w; what was measured is in %s", verdict, path)
		}
		err = o.partial.Remove()
	}
	err = errors.Join(verdict, Render(o.dir, o.streams, []*result.Results{r}, nil), err)
	return errors.Join(Said(reports.WriteText(o.streams.Out, r, Colour(o.streams.Out))), err)
}

// rescue writes results that could not be written where they belong: because they contradict
// themselves, or the disk is full.
func (o *Output) rescue(path string, r *result.Results, fault error) error {
	data, err := json.MarshalIndent(result.Normal(r), "", " ")
	if err != nil {
		return o.partial.Lost(errors.Join(fault, err))
	}
	for _, dir := range []string{filepath.Dir(path), os.TempDir()} {
		f, err := os.CreateTemp(dir, "results-*.json")
		if err != nil {
			continue
		}
		_, err = f.Write(data)
		if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
			_ = os.Remove(f.Name())
			continue
		}
		return fmt.Errorf("%w; what was measured is in %s", fault, f.Name())
	}
	return o.partial.Lost(fault)
}

// Render writes the page and the charts of results and campaigns.
func Render(dir string, s Streams, runs []*result.Results, campaigns []*report.Campaign) error {
	page, drawn, err := reports.WritePage(dir, runs, campaigns)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.Err, "%s and %d charts beside it\n", page, drawn)
	return nil
}

// Say prints a text after the files of a verb are written.
func Say(w io.Writer, text string) error {
	_, err := io.WriteString(w, text)
	return Said(err)
}

// Said returns the error of printing, unless the reader of a pipe has read enough.
func Said(err error) error {
	if errors.Is(err, syscall.EPIPE) {
		return nil
	}
	return err
}
