package count

import (
	"fmt"
	"strings"

	"github.com/tunnelbench/tunnelbench/ci/gate"
	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/texttab"
)

// Unseen says what this judge cannot see, and the timed pairs can.
const Unseen = "Counted, not timed: caches, memory accesses, a second core and the cost of vector instructions are not seen. " +
	"The timed gate (gate without --count) sees them, and misses changes below about 6 %."

// table returns the changes as a table.
func table(r *Report) *texttab.Table {
	t := texttab.New(texttab.Left("metric"), texttab.Right("base"), texttab.Right("head"), texttab.Right("change"),
		texttab.Right("layouts differ by"), texttab.Right("limit"), texttab.Left("verdict"))
	for _, c := range r.Changes {
		t.Add(strictjson.Clean(c.Metric), fmt.Sprintf("%.1f", c.Base), fmt.Sprintf("%.1f", c.Head),
			fmt.Sprintf("%+.2f%%", 100*c.Change), fmt.Sprintf("%.2f%%", 100*c.Margin), fmt.Sprintf("%.4g%%", 100*c.Limit), strings.ToUpper(c.Verdict))
	}
	return t
}

// head returns the lines above the table.
func head(r *Report) string {
	return fmt.Sprintf("%s: %s: %s\ninstructions: base %.12s (%s) against head %.12s (%s), %d and %d link layouts\n%s, Linux %s\n",
		strings.ToUpper(r.Verdict), strictjson.Clean(r.Device), strictjson.Clean(r.Why), r.Base.Commit, strictjson.Clean(r.Base.Revision), r.Head.Commit, strictjson.Clean(r.Head.Revision),
		r.Base.Layouts, r.Head.Layouts, strictjson.Clean(r.Emulator), strictjson.Clean(r.Kernel))
}

// oneSided names the metrics that were not compared.
func oneSided(r *Report) string {
	if len(r.OneSided) == 0 {
		return ""
	}
	return "\nOn one side only, and not judged: " + strictjson.Clean(strings.Join(r.OneSided, ", ")) + "\n"
}

// Text returns the report as text.
func Text(r *Report) string {
	var b strings.Builder
	b.WriteString(head(r) + "\n")
	_ = table(r).Text(&b) // a strings.Builder takes everything
	b.WriteString(oneSided(r) + "\n" + Unseen + "\n")
	return b.String()
}

// Markdown returns the report for a comment on a pull request.
func Markdown(r *Report) string {
	var b strings.Builder
	mark := map[string]string{gate.Pass: "✅", gate.Fail: "❌", gate.Inconclusive: "❔"}[r.Verdict]
	b.WriteString(mark + " " + strings.ReplaceAll(strings.TrimSpace(head(r)), "\n", "  \n") + "\n\n")
	_ = table(r).Markdown(&b)
	b.WriteString(oneSided(r) + "\n" + Unseen + "\n")
	return b.String()
}
