// Package page shows what the tests of behaviour found as a page.
package page

import (
	"bytes"
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/reports/behaviour"
	"github.com/tunnelbench/tunnelbench/reports/frame"
	"github.com/tunnelbench/tunnelbench/reports/show"
)

var (
	//go:embed page.tmpl
	pageText string

	pageTemplate = template.Must(template.New("behaviour").Parse(pageText))
)

// page is the data of the page.
type page struct {
	CSP, When, Summary, Command string
	CSS                         template.CSS
	Tests                       []behaviour.TestInfo
	Devices                     []device
	Environment                 []fact
}

type device struct {
	ID       int
	Name     string
	Findings []finding
}

type finding struct {
	Test, Verdict string
	Failed        bool
	Lines         []string
}

type fact struct{ Name, Value string }

// HTML returns the findings as one self-contained page. The same report gives the same bytes.
func HTML(r *behaviour.Report) ([]byte, error) {
	p := page{
		CSP: frame.Policy(), CSS: template.CSS(frame.CSS), When: r.Started.UTC().Format(time.DateTime + " UTC"),
		Summary: summary(r), Command: show.ShellLine(r.Command), Tests: r.Tests,
		Environment: []fact{
			{"CPU", r.CPU}, {"Kernel", r.Kernel}, {"tunnelbench", r.Tool.Version}, {"Commit", r.Tool.Commit}, {"Go", r.Tool.Go},
			{"Took", r.Ended.Sub(r.Started).Round(time.Second).String()},
		},
	}
	for i := range p.Environment {
		p.Environment[i].Value = cmp.Or(p.Environment[i].Value, show.None)
	}
	for i, d := range r.Devices {
		of := device{ID: i, Name: d.Device}
		for _, f := range d.Findings {
			of.Findings = append(of.Findings, finding{f.Test, string(f.Verdict), f.Verdict == behaviour.Fail, f.Lines()})
		}
		p.Devices = append(p.Devices, of)
	}
	var b bytes.Buffer
	err := pageTemplate.Execute(&b, p)
	return b.Bytes(), err
}

// summary says in one line how many tests ended in which way.
func summary(r *behaviour.Report) string {
	counts := []string{fmt.Sprintf("Devices: %d, tests: %d", len(r.Devices), len(r.Tests))}
	for _, v := range []behaviour.Verdict{behaviour.Pass, behaviour.Fail, behaviour.None, behaviour.Unsupported, behaviour.NotMeasured} {
		if n := r.Count(v); n > 0 {
			counts = append(counts, fmt.Sprintf("%s: %d", v, n))
		}
	}
	return strings.Join(counts, ", ") + "."
}
