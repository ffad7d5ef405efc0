package reports

import (
	"cmp"
	"fmt"
	"html/template"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/charts"
	"github.com/tunnelbench/tunnelbench/reports/matrix"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/show"
)

// page is the data of a run's page, as text in page order. Only the charts are markup; SvgOf builds
// and escapes them.
type page struct {
	At                    string // prefix of the page's ids
	Title, When, Summary  string
	Headlines             []headline
	Profile               string
	Deviations            []string
	Comparison            *comparisonView // nil: the run was no comparison
	Metrics               []metric
	RFC                   []*tableView // tables of the RFC's tests; empty if none was run
	Conformance           *conformanceView
	Trust                 []trust
	Charts                []figureView
	Details               []detail
	Environment, Settings []pair
	Certificate           *tableView // the machine's self-test; nil if it has none
	Counts                *tableView // exact cost; nil if it was not counted
	Changed, Notes        []string
	Command               string
	RateTitle             string
}

type pair struct{ Name, Value string }

// metric is one table of tunnels by frame sizes.
type metric struct {
	ID, Title, Unit, Note string
	Sizes                 []string
	Groups                []metricGroup
}

type metricGroup struct {
	Name string
	Rows []metricRow
}

// metricRow holds the cells of a row, or one reason for all of them.
type metricRow struct {
	Name, Reason string
	Cells        []metricCell
}

type metricCell struct {
	Main  string
	Lines []string
	Flag  string // short warning
	Bar   string // width of the share-of-plain bar in percent; empty: no bar
}

// trust describes how reliable the results of one cell are.
type trust struct {
	Tunnel, Size, Verdict, Limited, Spread, Trials, Stalled string
	Good                                                    bool
	Doubts                                                  []string
}

type figureView struct {
	ID, Title, Caption string
	SVG                template.HTML
	Legend             []legendView
	Table              *tableView
}

type legendView struct {
	Swatch template.HTML
	Name   string
}

type tableView struct {
	Caption string
	Head    []string
	Rows    [][]string
	Words   []string // titles of the columns with words; the first column always has words
}

// Class returns the style class of a column: numbers are aligned right.
func (t *tableView) Class(column int) string {
	if column == 0 || column < len(t.Head) && slices.Contains(t.Words, t.Head[column]) {
		return "words"
	}
	return "n"
}

// detail is the detailed view of one result.
type detail struct {
	ID, Title, State string
	Doubts           []string
	Values, Trials   *tableView
	Search           *figureView
}

func kindTitle(kind string) string {
	switch kind {
	case result.KindCalibration:
		return "Calibration: no tunnel"
	case result.KindSealed:
		return "Sealed tunnels (encrypted)"
	}
	return "Plain tunnels (not encrypted)"
}

// metricOf builds the table of a metric. It calls fill for each cell that has results.
func metricOf(m *matrix.Matrix, head metric, fill func(*matrix.Row, *matrix.Cell) metricCell) metric {
	for _, s := range m.Sizes {
		head.Sizes = append(head.Sizes, charts.SizeText(s))
	}
	for i := range m.Rows {
		r := &m.Rows[i]
		if name := kindTitle(r.Kind); len(head.Groups) == 0 || head.Groups[len(head.Groups)-1].Name != name {
			head.Groups = append(head.Groups, metricGroup{Name: name})
		}
		g := &head.Groups[len(head.Groups)-1]
		g.Rows = append(g.Rows, metricRowOf(r, fill))
	}
	return head
}

func metricRowOf(r *matrix.Row, fill func(*matrix.Row, *matrix.Cell) metricCell) metricRow {
	view := metricRow{Name: r.Label}
	if !slices.ContainsFunc(r.Cells, func(c matrix.Cell) bool { return !c.Unsupport }) {
		view.Reason = "cannot run here"
		return view
	}
	for j := range r.Cells {
		c := &r.Cells[j]
		v := metricCell{Main: show.None}
		if !c.Empty() {
			v = fill(r, c)
		}
		v.Flag = c.State()
		view.Cells = append(view.Cells, v)
	}
	return view
}

func metrics(m *matrix.Matrix) []metric {
	all := []metric{
		metricOf(m, metric{ID: "m-rate", Title: "Rate", Unit: "thousand frames/s",
			Note: "Below each rate: Mbit/s, and its share of what routing without a tunnel gives (the bar; with an interval where both ran side by side in a closed loop, which is not the quotient of the rates); how far a repeat may be (~: as the machine's speed moved a closed loop meanwhile; once: searched once); what limited it, where that is not the tunnel."}, rateCell),
		metricOf(m, metric{ID: "m-latency", Title: "Latency at half that rate", Unit: "µs, p50 / p99",
			Note: "Over every frame, and below it without those that a stall of the machine touched (quiet)."}, latencyCell),
		metricOf(m, metric{ID: "m-cpu", Title: "CPU per frame", Unit: "ns",
			Note: "Time of all cores per delivered frame at half the found rate, minus what the bare wire costs; below, its bounds."}, cpuCell),
	}
	if m.Any(func(c matrix.Cell) bool { return c.Normal != nil }) {
		all = append(all, metricOf(m, metric{ID: "m-loop", Title: "Rate of a closed loop at the machine's nominal speed", Unit: "thousand frames/s",
			Note: "64 frames on their way, measured side by side at several times; in brackets the 95 % interval. Below, what was measured, and the range that the machine's changing speed gave it."}, loopCell))
	}
	return all
}

func loopCell(_ *matrix.Row, c *matrix.Cell) metricCell {
	if c.Loop == nil || c.Normal == nil {
		return metricCell{Main: show.None}
	}
	return metricCell{
		Main:  show.Kilo(c.Normal.Value) + " (" + matrix.Bounds(c.Normal, show.Kilo) + ")",
		Lines: []string{show.Kilo(c.Loop.Value) + ", from " + matrix.Bounds(c.Loop, show.Kilo)},
	}
}

func rateCell(r *matrix.Row, c *matrix.Cell) metricCell {
	if c.Rate == nil {
		return metricCell{Main: show.None}
	}
	v := metricCell{Main: show.Kilo(c.Rate.Value)}
	line := show.Digits(matrix.Megabits(c.Rate.Value, c.Size), show.Thin) + show.Nbsp + "Mbit/s"
	if !math.IsNaN(c.Share) && r.Kind != result.KindCalibration {
		line += " · " + c.ShareText()
		v.Bar = fmt.Sprintf("%.1f", 100*min(max(c.Share, 0), 1))
	}
	v.Lines = append(v.Lines, line)
	if b := c.RateBounds(show.Kilo); b != "" {
		v.Lines = append(v.Lines, b)
	}
	if c.LimitedBy != result.LimitedByDUT {
		v.Lines = append(v.Lines, "limit: "+limitWord(r, c))
	}
	return v
}

// limitWord names what limited a cell's rate.
func limitWord(r *matrix.Row, c *matrix.Cell) string {
	switch {
	case c.LimitedBy == "":
		return "unknown"
	case c.LimitedBy == result.LimitedByDUT && r.Kind != result.KindCalibration:
		return "the tunnel"
	case c.LimitedBy == result.LimitedByDUT:
		return "the device"
	}
	return "the " + strictjson.Clean(c.LimitedBy)
}

func latencyCell(_ *matrix.Row, c *matrix.Cell) metricCell {
	if c.P50 == nil && c.P99 == nil {
		return metricCell{Main: show.None}
	}
	v := metricCell{Main: matrix.MicroText(c.P50) + " / " + matrix.MicroText(c.P99)}
	if c.QuietP50 != nil || c.QuietP99 != nil {
		v.Lines = append(v.Lines, "quiet "+matrix.MicroText(c.QuietP50)+" / "+matrix.MicroText(c.QuietP99))
	}
	return v
}

func cpuCell(_ *matrix.Row, c *matrix.Cell) metricCell {
	v := metricCell{Main: matrix.NanoText(c.CPU)}
	if b := matrix.Bounds(c.CPU, func(x float64) string { return show.Fixed(x, 0, show.Thin) }); b != "" {
		v.Lines = append(v.Lines, b)
	}
	return v
}

// trusts returns how reliable each cell of the matrix is.
func trusts(m *matrix.Matrix) []trust {
	var out []trust
	for i := range m.Rows {
		for j := range m.Rows[i].Cells {
			if c := &m.Rows[i].Cells[j]; len(c.Results) > 0 {
				out = append(out, trustOf(&m.Rows[i], c))
			}
		}
	}
	return out
}

func trustOf(r *matrix.Row, c *matrix.Cell) trust {
	t := trust{Tunnel: r.Label, Size: charts.SizeText(c.Size), Verdict: cmp.Or(c.State(), "valid"), Limited: show.None, Spread: show.None, Trials: show.None, Stalled: show.None, Good: c.State() == ""}
	if c.Rate != nil {
		t.Limited = limitWord(r, c)
	}
	if v := c.Rate; v != nil && v.Lower != nil && v.Upper != nil && v.Value > 0 {
		t.Spread = show.Percent((*v.Upper - *v.Lower) / v.Value)
	}
	var all, valid int
	var stalled, total time.Duration
	for _, res := range c.Results {
		for k := range res.Trials {
			o := &res.Trials[k]
			all++
			if o.Valid {
				valid++
			}
			stalled += charts.StallSum(o)
			total += o.Duration + o.Paused
		}
		for _, doubt := range doubts(res) {
			if doubt != "" && !slices.Contains(t.Doubts, doubt) {
				t.Doubts = append(t.Doubts, doubt)
			}
		}
	}
	if all > 0 {
		t.Trials = fmt.Sprintf("%d of %d", valid, all)
	}
	if total > 0 {
		t.Stalled = show.Percent(float64(stalled) / float64(total))
	}
	return t
}

// environment returns the machine's properties and settings that the numbers depend on.
func environment(r *result.Results) (facts, set []pair) {
	h := r.Host
	facts = []pair{
		{"CPU", h.CPU}, {"Cores", fmt.Sprint(h.Cores)}, {"CPU plan", h.CPUPlan},
		{"Machine", cmp.Or(h.Virtual, "bare metal, as far as it tells")},
		{"Kernel", h.Kernel}, {"Architecture", h.Arch},
		{"tunnelbench", r.Tool.Version}, {"Commit", r.Tool.Commit}, {"Go", r.Tool.Go},
		{"Profile", r.Profile}, {"Seed", fmt.Sprint(r.Seed)},
		{"Nominal link", show.BitText(r.Link)}, {"TCP's congestion control", cmp.Or(r.CongestionControl, show.None)},
		{"Started", timeText(r.Started)}, {"Ended", timeText(r.Ended)},
	}
	for _, c := range r.Calibration {
		var parts []string
		if c.MOL != nil {
			parts = append(parts, "offers up to "+show.Kilo(float64(*c.MOL))+show.Nbsp+"kfps (MOL)")
		}
		if c.WireP50 != nil {
			parts = append(parts, "latency floor "+show.Span(*c.WireP50)+" (p50)")
		}
		facts = append(facts, pair{"Tester at " + charts.SizeText(c.FrameSize), cmp.Or(strings.Join(parts, ", "), show.None)})
	}
	for _, m := range []struct {
		what string
		set  map[string]string
	}{{"offload", h.Offloads}, {"sysctl", h.Sysctls}} {
		for _, k := range slices.Sorted(maps.Keys(m.set)) {
			set = append(set, pair{m.what + " " + strictjson.Clean(k), strictjson.Clean(m.set[k])})
		}
	}
	for i := range facts {
		facts[i].Value = cmp.Or(strictjson.Clean(facts[i].Value), show.None)
	}
	return facts, set
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05") + " UTC"
}
