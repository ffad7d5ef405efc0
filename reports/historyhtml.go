package reports

import (
	"bytes"
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"slices"
	"strconv"

	"github.com/tunnelbench/tunnelbench/reports/frame"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/tunnelbench/tunnelbench/ci/gate"
	"github.com/tunnelbench/tunnelbench/fuzz/report"
	"github.com/tunnelbench/tunnelbench/internal/stats"
	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/charts"
	"github.com/tunnelbench/tunnelbench/reports/figure"
	"github.com/tunnelbench/tunnelbench/reports/show"
)

var (
	//go:embed history.tmpl
	historyText string

	historyTemplate = template.Must(template.Must(pageTemplate.Clone()).New("history").Parse(historyText))
)

// mostHistoryRuns is the largest number of runs drawn per series; older runs are left out.
const mostHistoryRuns = 500

// trend is one metric over comparable runs: same machine, same device and same base.
//
//	runs ─ by machine, device, base ─ by metric: a trend ─ levels between change points
type trend struct {
	host, device, base, metric string
	better                     int
	points                     []trendPoint
	changes                    []int // indices at which a new level begins
}

type trendPoint struct {
	gate.HistoryMetric
	when, commit string
}

// trendsOf groups the runs into trends, ordered by time.
func trendsOf(runs []gate.HistoryRun) []*trend {
	runs = slices.Clone(runs)
	slices.SortStableFunc(runs, func(a, b gate.HistoryRun) int { return a.Started.Compare(b.Started) })
	var all []*trend
	for _, r := range runs {
		for _, m := range r.Metrics {
			i := slices.IndexFunc(all, func(t *trend) bool {
				return t.host == r.Host && t.device == r.Device && t.base == r.Base && t.metric == m.ID && t.better == m.Better
			})
			if i < 0 {
				i = len(all)
				all = append(all, &trend{host: r.Host, device: r.Device, base: r.Base, metric: m.ID, better: m.Better})
			}
			all[i].points = append(all[i].points, trendPoint{m, timeText(r.Started), strictjson.Short(r.HeadCommit, 12)})
		}
	}
	slices.SortStableFunc(all, func(a, b *trend) int {
		return cmp.Or(cmp.Compare(a.host, b.host), cmp.Compare(a.device, b.device), cmp.Compare(a.base, b.base))
	})
	for _, t := range all {
		t.points = t.points[max(0, len(t.points)-mostHistoryRuns):]
		ratios := make([]float64, len(t.points))
		for i, p := range t.points {
			ratios[i] = p.Ratio
		}
		t.changes = stats.ChangePoints(ratios)
	}
	return all
}

// historyPage is the data of a history page.
type historyPage struct {
	CSP, Title, When, Summary string
	CSS                       template.CSS
	Headlines                 []headline
	Groups                    []historyGroup
}

type historyGroup struct {
	Name   string
	Charts []figureView
}

// HistoryHTML returns a history as one self-contained page; the same history gives the same bytes.
func HistoryHTML(runs []gate.HistoryRun) ([]byte, error) {
	if len(runs) == 0 {
		return nil, fmt.Errorf("history: no run")
	}
	last := runs[0]
	for _, r := range runs {
		if !r.Started.Before(last.Started) {
			last = r
		}
	}
	p := &historyPage{
		CSP: frame.Policy(), CSS: template.CSS(frame.CSS), Title: "Gate history", When: timeText(last.Started),
		Summary:   fmt.Sprintf("%s, the last of commit %s against %s: %s.", report.Plural(len(runs), "run"), cmp.Or(strictjson.Short(last.HeadCommit, 12), show.None), cmp.Or(strictjson.Short(last.Base, 40), show.None), last.Verdict),
		Headlines: []headline{},
	}
	for i, t := range trendsOf(runs) {
		name := fmt.Sprintf("%s against %s, on %s", strictjson.Clean(t.device), cmp.Or(strictjson.Short(t.base, 40), show.None), strictjson.Clean(t.host))
		if len(p.Groups) == 0 || p.Groups[len(p.Groups)-1].Name != name {
			p.Groups = append(p.Groups, historyGroup{Name: name})
		}
		f, err := figureOf(t.chart(i))
		if err != nil {
			return nil, fmt.Errorf("history: %w", err)
		}
		g := &p.Groups[len(p.Groups)-1]
		g.Charts = append(g.Charts, f)
		for _, at := range t.changes {
			p.Headlines = append(p.Headlines, t.headline(at))
		}
	}
	var b bytes.Buffer
	if err := historyTemplate.Execute(&b, p); err != nil {
		return nil, fmt.Errorf("history: %w", err)
	}
	return b.Bytes(), nil
}

// level returns the median ratio of the points between two changes.
func (t *trend) level(from, to int) float64 {
	var ratios []float64
	for _, p := range t.points[from:to] {
		ratios = append(ratios, p.Ratio)
	}
	return stats.Median(ratios)
}

// edges returns the start of each level and the end of the last one.
func (t *trend) edges() []int {
	return append(append([]int{0}, t.changes...), len(t.points))
}

// headline describes the change at a point.
func (t *trend) headline(at int) headline {
	edges := t.edges()
	k := slices.Index(edges, at)
	before, after := t.level(edges[k-1], at), t.level(at, edges[k+1])
	worse := (after > before) == (t.better < 0)
	word := "better"
	if worse {
		word = "worse"
	}
	return headline{
		Topic: "Changed", Name: strictjson.Clean(t.metric), Failed: worse,
		Text: fmt.Sprintf("%s since about commit %s: the ratio went from %s to %s.", word, cmp.Or(t.points[at].commit, show.None), charts.ThreeDigits(before), charts.ThreeDigits(after)),
	}
}

func (t *trend) chart(n int) figure.Chart {
	c := figure.Chart{
		ID: "h" + strconv.Itoa(n+1), Title: strictjson.Clean(t.metric), Height: 190,
		Caption: "Ratio of the head to the base, log scale, run by run; strokes are its bounds, horizontal lines the medians between changes. ",
		Table:   figure.Grid{Head: []string{"run", "commit", "started", "ratio", "from", "to", "verdict", ""}},
	}
	c.Caption += map[bool]string{true: "Higher is better.", false: "Lower is better."}[t.better > 0]
	all := []float64{1}
	for i, p := range t.points {
		all = append(all, p.Lower, p.Upper)
		note := ""
		if slices.Contains(t.changes, i) {
			note = "changed here"
		}
		c.Table.Rows = append(c.Table.Rows, []string{strconv.Itoa(i + 1), p.commit, p.when, charts.ThreeDigits(p.Ratio), charts.ThreeDigits(p.Lower), charts.ThreeDigits(p.Upper), p.Verdict, note})
	}
	c.Draw = func() *plot.Plot {
		p := figure.NewPlot("run")
		charts.SetRatio(&p.Y, all)
		p.X.Min, p.X.Max = 0.5, float64(len(t.points))+0.5
		p.X.Tick.Marker = plot.TickerFunc(func(_, hi float64) []plot.Tick { return charts.WholeTicks(1, hi) })
		p.Add(figure.PlotFunc(figure.GridY), figure.PlotFunc(t.draw))
		return p
	}
	return c
}

// draw draws the levels, then the runs.
func (t *trend) draw(c draw.Canvas, p *plot.Plot) {
	y := func(v float64) vg.Length { return c.Y(p.Y.Norm(min(max(v, p.Y.Min), p.Y.Max))) }
	x := func(i float64) vg.Length { return c.X(p.X.Norm(i)) }
	c.StrokeLine2(draw.LineStyle{Color: figure.InkText, Width: figure.ThinLine}, c.Min.X, y(1), c.Max.X, y(1))
	edges := t.edges()
	for k := range edges[1:] {
		level := y(t.level(edges[k], edges[k+1]))
		c.StrokeLine2(draw.LineStyle{Color: figure.InkData[0], Width: figure.DataLine}, x(float64(edges[k])+0.5), level, x(float64(edges[k+1])+0.5), level)
	}
	for _, at := range t.changes {
		c.StrokeLine2(draw.LineStyle{Color: figure.InkData[1], Width: 1, Dashes: figure.Dashes[1]}, x(float64(at)+0.5), c.Min.Y, x(float64(at)+0.5), c.Max.Y)
	}
	for i, pt := range t.points {
		l := trendLook(pt.Verdict)
		at := x(float64(i + 1))
		c.StrokeLine2(draw.LineStyle{Color: l.Colour, Width: 1}, at, y(pt.Lower), at, y(pt.Upper))
		c.DrawGlyph(l.Glyph(figure.MarkSize), vg.Point{X: at, Y: y(pt.Ratio)})
	}
}

// trendLook returns the look of a run by its verdict.
func trendLook(verdict string) figure.Look {
	switch verdict {
	case gate.Pass:
		return figure.Look{Colour: figure.InkData[2], Mark: draw.CircleGlyph{}}
	case gate.Fail:
		return figure.Look{Colour: figure.InkData[1], Mark: figure.Wedge}
	}
	return figure.Look{Colour: figure.InkMuted, Mark: draw.BoxGlyph{}}
}
