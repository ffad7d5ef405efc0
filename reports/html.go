package reports

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"

	"github.com/tunnelbench/tunnelbench/fuzz/report"
	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/budget"
	"github.com/tunnelbench/tunnelbench/reports/charts"
	"github.com/tunnelbench/tunnelbench/reports/counts"
	"github.com/tunnelbench/tunnelbench/reports/figure"
	"github.com/tunnelbench/tunnelbench/reports/matrix"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/show"
)

var (
	//go:embed page.tmpl
	pageText string

	pageTemplate = template.Must(template.New("page").Parse(pageText))
)

// HTML writes runs as one self-contained page, grouped by machine. The same results give the same
// bytes.
func HTML(w io.Writer, runs ...*result.Results) error { return HTMLWith(w, runs, nil) }

// HTMLWith works like HTML and appends a summary of fuzz campaigns.
func HTMLWith(w io.Writer, runs []*result.Results, campaigns []*report.Campaign) error {
	book, err := newBook(runs)
	for _, f := range campaigns {
		if err == nil {
			book.Campaigns = append(book.Campaigns, campaignOf(f, len(book.Campaigns)+1))
		}
	}
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, book); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	_, err = w.Write(b.Bytes())
	return err
}

// pageBars is the largest number of rows of a chart in the page.
const pageBars = 60

// newPage returns the page of r; all of its ids begin with at.
func newPage(r *result.Results, at string) (*page, error) {
	m := matrix.NewMatrix(r)
	p := &page{
		At:    at,
		Title: "Tunnel benchmark", When: timeText(r.Started), Summary: summary(r, m),
		Headlines: headlines(m), Profile: strictjson.Clean(r.Profile), Deviations: deviations(r, m),
		Metrics: metrics(m), Trust: trusts(m),
		Changed: cleanAll(r.Host.Changed), Notes: cleanAll(r.Host.Notes),
		Command: show.ShellLine(r.Command), RateTitle: matrix.RateTitle(m.Rate),
	}
	p.RFC, p.Conformance = rfcTables(r), conformanceOf(r, at)
	if len(p.RFC) > 0 {
		p.Deviations = nil // the table of clauses replaces them
	}
	if streams, ok := streamMetric(r); ok {
		p.Metrics = append(p.Metrics, streams)
	}
	p.Environment, p.Settings = environment(r)
	if c := r.Certificate; c != nil {
		p.Certificate = &tableView{Caption: budget.Caption(c), Head: budget.Head, Rows: budget.Rows(c), Words: []string{"verdict"}}
	}
	if r.Counts != nil {
		p.Counts = &tableView{Caption: counts.Caption(r.Counts), Head: counts.Titles(r.Counts, r.Results), Rows: counts.Rows(r.Counts, r.Results)}
	}
	if r.Comparison != nil {
		p.compare(r)
	}
	for i := range p.Metrics {
		p.Metrics[i].ID = at + p.Metrics[i].ID
	}
	for _, c := range charts.Charts(r, m, pageBars) {
		c.ID = at + c.ID
		f, err := figureOf(c)
		if err != nil {
			return nil, err
		}
		p.Charts = append(p.Charts, f)
	}
	var err error
	p.Details, err = details(r, m, at)
	return p, err
}

// figureOf returns the view of a chart.
func figureOf(c figure.Chart) (figureView, error) {
	f := figureView{ID: "f-" + c.ID, Title: c.Title, Caption: c.Caption}
	svg, err := figure.SvgOf(c.Draw(), c.Height, f.ID, c.Title, c.Caption)
	if err != nil {
		return figureView{}, err
	}
	f.SVG = svg
	for _, item := range c.Legend {
		s, err := figure.Swatch(item)
		if err != nil {
			return figureView{}, err
		}
		f.Legend = append(f.Legend, legendView{s, item.Name})
	}
	if len(c.Table.Rows) > 0 {
		f.Table = &tableView{Caption: c.Title, Head: c.Table.Head, Rows: c.Table.Rows}
	}
	return f, nil
}
