package cli

import (
	"fmt"
	"io"

	"github.com/tunnelbench/tunnelbench/reports"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Progress shows a run in progress. On a terminal, one line is updated after each trial. A table
// gets a row for each device and size, or for each RFC test.
type Progress struct {
	w      io.Writer
	table  *reports.Table
	line   ProgressLine
	tests  bool
	headed bool
	trials int
}

// NewProgress returns the progress of a run of devices on w. If tests is set, each RFC test gets a
// row.
func NewProgress(w io.Writer, devices []string, tests, colour bool, l ProgressLine) *Progress {
	return &Progress{w: w, table: reports.NewTable(w, devices, colour), line: l, tests: tests}
}

// Trial shows a finished trial.
func (p *Progress) Trial(device string, t rfc2544.Trial, o rfc2544.Observation) {
	p.trials++
	note := fmt.Sprintf("lost %.3g %%", 100*o.LossRatio())
	if !o.Valid {
		note = o.Invalid.String()
	}
	p.line.Show("%s %d: trial %d at %v: %s", device, t.Size, p.trials, t.Load, note)
}

// Result prints the row of a device and size after its last test.
func (p *Progress) Result(all *result.Results, r result.Result) {
	switch {
	case r.Test == rfc2544.NameStreams, r.Test == rfc2544.NameClosedLoop:
		return // the final table shows these results
	case p.tests:
		p.line.Clear()
		fmt.Fprintln(p.w, reports.Line(&r))
		return
	case r.Test == rfc2544.NameRate && r.Error == "" && r.Unsupported == "" && len(r.Values) > 0:
		return // wait for the latency result
	}
	p.line.Clear()
	if !p.headed {
		p.headed = p.table.Header() == nil
	}
	_ = p.table.Row(all, r.DUT, r.FrameSize) // the run goes on even if its progress cannot be written
}
