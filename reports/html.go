package reports

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
)

var (
	//go:embed page.tmpl
	pageText string
	//go:embed page.css
	pageCSS string

	pageTemplate = template.Must(template.New("page").Parse(pageText))
)

// policy lets the page use its own style sheet, known by its hash, and nothing
// else: no script, no image, no font, no request of any kind.
func policy() string {
	sum := sha256.Sum256([]byte(pageCSS))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; base-uri 'none'; form-action 'none'"
}

// HTML writes the report as one self-contained page. The same results give the
// same bytes.
func HTML(w io.Writer, r *Results) error {
	p, err := newPage(r)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, p); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	_, err = w.Write(b.Bytes())
	return err
}

// pageBars is the most lines a chart in the page has.
const pageBars = 60

func newPage(r *Results) (*page, error) {
	m := newMatrix(r)
	p := &page{
		CSP: policy(), CSS: template.CSS(pageCSS),
		Title: "Tunnel benchmark", When: timeText(r.Started), Summary: summary(r, m),
		Headlines: headlines(m), Profile: clean(r.Profile), Deviations: deviations(r, m),
		Metrics: metrics(m), Trust: trusts(m),
		Changed: cleanAll(r.Host.Changed), Notes: cleanAll(r.Host.Notes),
		Command: shellLine(r.Command), RateTitle: rateTitle(m.rate),
	}
	if streams, ok := streamMetric(r); ok {
		p.Metrics = append(p.Metrics, streams)
	}
	p.Environment, p.Settings = environment(r)
	p.Certificate = certificateTable(r.Certificate)
	if r.Comparison != nil {
		p.compare(r)
	}
	for _, c := range charts(r, m, pageBars) {
		f, err := figureOf(c)
		if err != nil {
			return nil, err
		}
		p.Charts = append(p.Charts, f)
	}
	var err error
	p.Details, err = details(r, m)
	return p, err
}

// figureOf draws a chart for the page.
func figureOf(c chart) (figure, error) {
	f := figure{ID: "f-" + c.id, Title: c.title, Caption: c.caption}
	svg, err := svgOf(c.draw(), c.height, f.ID, c.title, c.caption)
	if err != nil {
		return figure{}, err
	}
	f.SVG = svg
	for _, item := range c.legend {
		s, err := swatch(item)
		if err != nil {
			return figure{}, err
		}
		f.Legend = append(f.Legend, legendView{s, item.name})
	}
	if len(c.table.rows) > 0 {
		f.Table = &tableView{Caption: c.title, Head: c.table.head, Rows: c.table.rows}
	}
	return f, nil
}
