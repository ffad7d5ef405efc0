package cli

import (
	"fmt"
	"io"

	"github.com/tunnelbench/tunnelbench/reports"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Progress shows a run while it runs: on a terminal a line that changes with each
// trial, and a row for each device and size, or for each test of an RFC.
type Progress struct {
	w      io.Writer
	table  *reports.Table
	line   ProgressLine
	tests  bool
	headed bool
	trials int
}

// NewProgress shows a run of devices on w. With tests each test gets a row.
func NewProgress(w io.Writer, devices []string, tests, colour bool, l ProgressLine) *Progress {
	return &Progress{w: w, table: reports.NewTable(w, devices, colour), line: l, tests: tests}
}

// Trial shows a trial that is over.
func (p *Progress) Trial(device string, t rfc2544.Trial, o rfc2544.Observation) {
	p.trials++
	note := fmt.Sprintf("lost %.3g %%", 100*o.LossRatio())
	if !o.Valid {
		note = o.Invalid.String()
	}
	p.line.Show("%s %d: trial %d at %v: %s", device, t.Size, p.trials, t.Load, note)
}

// Result shows a device's row when its last test at a size is over.
func (p *Progress) Result(all *result.Results, r result.Result) {
	switch {
	case r.Test == rfc2544.NameStreams:
		return // the whole table has them
	case p.tests:
		p.line.Clear()
		fmt.Fprintln(p.w, reports.Line(&r))
		return
	case r.Test == rfc2544.NameRate && r.Error == "" && r.Unsupported == "" && len(r.Values) > 0:
		return // its latency is still to come
	}
	p.line.Clear()
	if !p.headed {
		p.headed = p.table.Header() == nil
	}
	_ = p.table.Row(all, r.DUT, r.FrameSize) // a progress line that cannot be written is no reason to stop
}
