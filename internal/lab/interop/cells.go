package interop

import (
	"slices"
	"sync"

	"github.com/tunnelbench/tunnelbench/reports/interop"
)

// Cells puts what checks came to into a report. Several goroutines may use it.
type Cells struct {
	report *interop.Report
	checks []check // of each cell
	onCell func(done, all int, c interop.Cell)

	mu   sync.Mutex
	done int
}

// Fill gives a report the plan's ends and checks, and a cell without verdict for each check of each pair.
func (p Plan) Fill(r *interop.Report) *Cells {
	cells := &Cells{report: r, onCell: p.OnCell}
	for _, e := range p.Ends {
		r.Ends = append(r.Ends, e.Spec)
	}
	for _, c := range p.checks() {
		r.Checks = append(r.Checks, interop.CheckInfo{Name: c.name, Doc: c.doc})
	}
	for _, left := range r.Ends {
		for _, right := range r.Ends {
			for _, c := range p.checks() {
				r.Cells = append(r.Cells, interop.Cell{Left: left, Right: right, Check: c.name, Outcome: interop.NoVerdict, Why: "not tried"})
				cells.checks = append(cells.checks, c)
			}
		}
	}
	return cells
}

// Note puts a cell in its place in the report. It leaves out a cell that has none there.
func (c *Cells) Note(cell interop.Cell) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.report.Cells, func(o interop.Cell) bool {
		return o.Left == cell.Left && o.Right == cell.Right && o.Check == cell.Check
	})
	if i < 0 {
		return
	}
	c.report.Cells[i] = cell
	c.done++
	if c.onCell != nil {
		c.onCell(c.done, len(c.report.Cells), cell)
	}
}
