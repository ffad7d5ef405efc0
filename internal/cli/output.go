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

// SavePartial saves the results so far, for the case that the program does not come to write them. An
// error only costs this safety.
func SavePartial(dir string, r *result.Results) {
	part := *r
	part.Ended = End(r)
	_ = result.Write(filepath.Join(dir, PartialFile), &part)
}

// WriteResults ends a verb that measured: it writes results.json, the page and the charts, then prints
// the tables, and returns the verdict. In this order a closed pipe costs no file and no file the
// verdict.
func WriteResults(dir string, s Streams, r *result.Results, verdict error) error {
	path := filepath.Join(dir, "results.json")
	err := result.Write(path, r)
	if err != nil {
		err = rescue(path, r, err)
	} else if gone := os.Remove(filepath.Join(dir, PartialFile)); gone != nil && !errors.Is(gone, os.ErrNotExist) {
		err = gone
	}
	err = errors.Join(verdict, err, Render(dir, s, []*result.Results{r}, nil))
	return errors.Join(err, Said(reports.WriteText(s.Out, r, Colour(s.Out))))
}

// rescue writes results that could not be written where they belong: because they contradict
// themselves, or the disk is full.
func rescue(path string, r *result.Results, fault error) error {
	data, err := json.MarshalIndent(result.Normal(r), "", " ")
	if err != nil {
		return errors.Join(fault, err)
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
	return fault
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
