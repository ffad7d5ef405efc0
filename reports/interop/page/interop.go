// Package page shows the outcome of the interop checks as text and as a page.
package page

import (
	"bytes"
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/reports/frame"
	"github.com/tunnelbench/tunnelbench/reports/interop"
	"github.com/tunnelbench/tunnelbench/reports/show"
	"github.com/tunnelbench/tunnelbench/reports/texttab"
)

// Text returns the matrix as a table for each left end, and a line for each cell that did not pass. Reasons that many
// cells share come once.
func Text(r *interop.Report) string {
	var b strings.Builder
	for _, g := range groups(r) {
		columns := []texttab.Column{texttab.Left("left " + g.Left + ", right")}
		for _, right := range r.Ends {
			columns = append(columns, texttab.Left(right))
		}
		table := texttab.New(columns...)
		for _, row := range g.Rows {
			line := []string{row.Check}
			for _, c := range row.Cells {
				line = append(line, c.Text)
			}
			table.Add(line...)
		}
		_ = table.Text(&b) // a strings.Builder takes everything
		b.WriteByte('\n')
	}
	for _, c := range reasons(r) {
		fmt.Fprintf(&b, "%s: %s, %s: %s\n", c.Outcome, c.Checks, c.Pair, c.Why)
	}
	fmt.Fprintf(&b, "%s: %s\n", r.Verdict(), counts(r))
	return b.String()
}

// words are the outcomes in a table.
var words = map[interop.Outcome]string{
	interop.Passed: "passed", interop.Failed: "FAILED", interop.Unsupported: show.None, interop.NoVerdict: "?",
}

// group holds the cells of a left end: a row for each check, a column for each right end.
type group struct {
	Left string
	Rows []row
}

type row struct {
	Check string
	Cells []cell
}

type cell struct {
	Text   string
	Failed bool
}

// groups returns the cells by left end.
func groups(r *interop.Report) []group {
	out := make([]group, len(r.Ends))
	for i, left := range r.Ends {
		out[i] = group{Left: left, Rows: make([]row, len(r.Checks))}
		for j, check := range r.Checks {
			out[i].Rows[j].Check = check.Name
			for k := range r.Ends {
				c := r.Cells[(i*len(r.Ends)+k)*len(r.Checks)+j]
				out[i].Rows[j].Cells = append(out[i].Rows[j].Cells, cell{words[c.Outcome], c.Outcome == interop.Failed})
			}
		}
	}
	return out
}

// reason is why cells did not pass.
type reason struct {
	Outcome interop.Outcome
	Checks  string
	Pair    string
	Why     string
	cells   []interop.Cell
}

// reasons returns why cells did not pass, those that failed first. Cells of a pair that have the same reason are one
// entry, and so are all cells that cannot be tried here for the same reason.
func reasons(r *interop.Report) (out []reason) {
	for _, c := range r.Cells {
		if c.Outcome == interop.Passed {
			continue
		}
		i := slices.IndexFunc(out, func(o reason) bool {
			pair := o.cells[0].Left == c.Left && o.cells[0].Right == c.Right
			return o.Outcome == c.Outcome && o.Why == c.Why && (pair || c.Outcome == interop.Unsupported)
		})
		if i < 0 {
			i = len(out)
			out = append(out, reason{Outcome: c.Outcome, Why: c.Why})
		}
		out[i].cells = append(out[i].cells, c)
	}
	for i := range out {
		out[i].name(len(r.Checks))
	}
	order := []interop.Outcome{interop.Failed, interop.NoVerdict, interop.Unsupported}
	slices.SortStableFunc(out, func(a, b reason) int {
		return cmp.Compare(slices.Index(order, a.Outcome), slices.Index(order, b.Outcome))
	})
	return out
}

// name names the checks and the pairs of a reason; all is the number of checks.
func (r *reason) name(all int) {
	var checks, pairs []string
	for _, c := range r.cells {
		if !slices.Contains(checks, c.Check) {
			checks = append(checks, c.Check)
		}
		if pair := "left " + c.Left + ", right " + c.Right; !slices.Contains(pairs, pair) {
			pairs = append(pairs, pair)
		}
	}
	r.Checks, r.Pair = strings.Join(checks, ", "), pairs[0]
	if len(checks) == all && all > 1 {
		r.Checks = "all checks"
	}
	if len(pairs) > 1 {
		r.Pair = fmt.Sprintf("%d pairs", len(pairs))
	}
}

func counts(r *interop.Report) string {
	text := fmt.Sprintf("%d of %d cells passed", r.Count(interop.Passed), len(r.Cells))
	for _, o := range []interop.Outcome{interop.Failed, interop.NoVerdict, interop.Unsupported} {
		if n := r.Count(o); n > 0 {
			text += fmt.Sprintf(", %d %s", n, o)
		}
	}
	return text
}

var (
	//go:embed page.tmpl
	pageText string

	pageTemplate = template.Must(template.New("interop").Parse(pageText))
)

// page is the data of the page.
type page struct {
	CSP, Title, When, Summary, Verdict, Counts, Command string
	CSS                                                 template.CSS
	Failed                                              bool
	Ends                                                []string
	Checks                                              []interop.CheckInfo
	Groups                                              []group
	Reasons                                             []reason
	Environment                                         []fact
}

type fact struct{ Name, Value string }

// HTML returns the matrix as one self-contained page. The same report gives the same bytes.
func HTML(r *interop.Report) ([]byte, error) {
	p := page{
		CSP: frame.Policy(), CSS: template.CSS(frame.CSS), Title: "WireGuard interoperability", When: r.Started.UTC().Format(time.DateTime + " UTC"),
		Summary: fmt.Sprintf("%d ends, each with each on either side, through %d checks.", len(r.Ends), len(r.Checks)),
		Verdict: string(r.Verdict()), Counts: counts(r), Failed: r.Verdict() != interop.Passed,
		Ends: r.Ends, Checks: r.Checks, Groups: groups(r), Reasons: reasons(r), Command: show.ShellLine(r.Command),
		Environment: []fact{
			{"CPU", r.CPU}, {"Kernel", r.Kernel}, {"tunnelbench", r.Tool.Version}, {"Commit", r.Tool.Commit}, {"Go", r.Tool.Go},
			{"Took", r.Ended.Sub(r.Started).Round(time.Second).String()},
		},
	}
	for i := range p.Environment {
		p.Environment[i].Value = cmp.Or(p.Environment[i].Value, show.None)
	}
	var b bytes.Buffer
	err := pageTemplate.Execute(&b, p)
	return b.Bytes(), err
}
