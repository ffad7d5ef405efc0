package reports

import (
	"bytes"
	"cmp"
	_ "embed"
	hexdump "encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/tunnelbench/tunnelbench/reports/frame"

	"github.com/tunnelbench/tunnelbench/fuzz/report"
	"github.com/tunnelbench/tunnelbench/internal/atomicfile"
	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/charts"
	"github.com/tunnelbench/tunnelbench/reports/show"
)

var (
	//go:embed fuzz.tmpl
	fuzzText string

	// fuzzTemplate shares the figures and tables of the report page.
	fuzzTemplate = template.Must(template.Must(pageTemplate.Clone()).New("fuzz").Parse(fuzzText))
)

// Limits of the page; it says what it leaves out.
const (
	pageFindings = 200
	pageFrames   = 24  // per stack
	pageOctets   = 256 // per input
	pageNames    = 6   // per sentence
)

// fuzzPage is the data of a campaign's page, as text in page order.
type fuzzPage struct {
	CSP, Title, When, Summary string
	CSS                       template.CSS
	Headlines                 []headline
	Targets                   *tableView
	Findings                  []findingView
	More                      int // number of findings left out
	Charts                    []figureView
	Tables                    []*tableView // instead of charts
	Environment               []pair
	Command                   string
}

// findingView is the page's view of one finding.
type findingView struct {
	ID, Target, Oracle, Mark, Seen string
	Facts                          []pair
	Stack                          []string
	InputTitle, Dump               string
	Files                          []string
	Reproduce                      string
}

// FuzzHTML returns a campaign as one self-contained page; the same campaign gives the same bytes.
func FuzzHTML(f *report.Campaign) ([]byte, error) {
	p, err := newFuzzPage(f)
	if err != nil {
		return nil, fmt.Errorf("fuzz page: %w", err)
	}
	var b bytes.Buffer
	if err := fuzzTemplate.Execute(&b, p); err != nil {
		return nil, fmt.Errorf("fuzz page: %w", err)
	}
	return b.Bytes(), nil
}

func newFuzzPage(f *report.Campaign) (*fuzzPage, error) {
	p := &fuzzPage{
		CSP: frame.Policy(), CSS: template.CSS(frame.CSS), Title: "Fuzz campaign", When: timeText(f.Started),
		Summary: fuzzSummary(f), Headlines: fuzzHeadlines(f), Targets: fuzzTargetTable(f),
		Environment: fuzzEnvironment(f), Command: show.ShellLine(f.Command),
	}
	for i := range f.Targets {
		for j := range f.Targets[i].Findings {
			if len(p.Findings) == pageFindings {
				p.More++
				continue
			}
			p.Findings = append(p.Findings, findingViewOf(&f.Targets[i], &f.Targets[i].Findings[j], len(p.Findings)+1))
		}
	}
	drawn, listed := charts.OfCampaign(f)
	for _, c := range listed {
		p.Tables = append(p.Tables, &tableView{Caption: c.Title + ". " + c.Caption, Head: c.Table.Head, Rows: c.Table.Rows})
	}
	for _, c := range drawn {
		figureView, err := figureOf(c)
		if err != nil {
			return nil, err
		}
		p.Charts = append(p.Charts, figureView)
	}
	return p, nil
}

// fuzzSummary describes the campaign in one sentence.
func fuzzSummary(f *report.Campaign) string {
	var names, engines []string
	for i := range f.Targets {
		names = append(names, strictjson.Clean(f.Targets[i].Name))
		if e := strictjson.Clean(f.Targets[i].Engine); e != "" && !slices.Contains(engines, e) {
			engines = append(engines, e)
		}
	}
	text := "Attacked " + someOf(names)
	if len(engines) > 0 {
		text += " with inputs made up by " + someOf(engines)
	}
	if d := f.Ended.Sub(f.Started); d > 0 && !f.Started.IsZero() {
		text += ", in " + report.Spent(float64(d))
	}
	return text + "."
}

// someOf lists the first words and the number of the others.
func someOf(words []string) string {
	if more := len(words) - pageNames; more > 1 {
		words = append(slices.Clone(words[:pageNames]), strconv.Itoa(more)+" more")
	}
	return list(words)
}

// fuzzHeadlines returns the verdict, its basis, and the targets whose run was cut short.
func fuzzHeadlines(f *report.Campaign) []headline {
	sum := report.TotalsOf(f)
	verdict := headline{Topic: "Verdict", Name: f.Verdict(), Text: "No input broke an oracle. That says nothing of inputs that were not tried."}
	switch {
	case sum.Findings > 0:
		verdict.Text = "Below: each input, what was seen, and the command that repeats it."
	case sum.Executions == 0:
		verdict.Text = "No input was tried."
	}
	out := []headline{verdict, {
		Topic: "Effort", Name: show.Fixed(sum.Executions, 0, show.Thin) + " executions",
		Text: fmt.Sprintf("of %s, for %s of CPU time.", report.Plural(len(f.Targets), "target"), report.Spent(sum.CPU)),
	}}
	for i := range f.Targets {
		t := &f.Targets[i]
		if t.Error == "" {
			continue
		}
		if len(out) == 2+pageNames {
			more := sum.Unfinished - pageNames
			return append(out, headline{Topic: "Not attacked to the end", Name: strconv.Itoa(more) + " more", Text: "listed in the table", Failed: true})
		}
		out = append(out, headline{Topic: "Not attacked to the end", Name: strictjson.Clean(t.Name), Text: strictjson.Clean(t.Error), Failed: true})
	}
	return out
}

func fuzzTargetTable(f *report.Campaign) *tableView {
	table := &tableView{
		Caption: "CPU time is that of the engine and its workers. Corpus: inputs at the end that reach something of their own. First find: time and CPU time since the target’s start.",
		Head:    []string{"target", "what it attacks", "engine"}, Words: []string{"what it attacks", "engine", "verdict"},
	}
	for _, c := range report.Columns {
		table.Head = append(table.Head, c.Head)
	}
	table.Head = append(table.Head, "verdict")
	for i := range f.Targets {
		t := &f.Targets[i]
		row := []string{strictjson.Clean(t.Name), strictjson.Clean(t.Doc), strictjson.Clean(t.Engine)}
		for _, c := range report.Columns {
			row = append(row, c.Text(t))
		}
		table.Rows = append(table.Rows, append(row, t.Verdict()))
	}
	return table
}

// findingViewOf returns the view of a finding, the n-th of the page.
func findingViewOf(t *report.Target, f *report.Finding, n int) findingView {
	v := findingView{
		ID: "f" + strconv.Itoa(n), Target: strictjson.Clean(t.Name), Oracle: strictjson.Clean(f.Oracle), Mark: strictjson.Clean(f.ID), Seen: strictjson.Clean(f.Seen),
		Facts: []pair{
			{"Place", f.Place()},
			{"Harness", strictjson.Clean(t.Package) + "." + strictjson.Clean(t.Function)},
			{"Found", report.Plural(f.Times, "time") + ", first after " + f.Moment()},
		},
		InputTitle: "Input, " + report.Plural(f.Octets, "octet"), Dump: hexdump.Dump(f.Input[:min(len(f.Input), pageOctets)]),
		Files: cleanAll(f.Files), Reproduce: strictjson.Clean(f.Reproduce),
	}
	if f.Octets > pageOctets {
		v.InputTitle = "Input, the first " + strconv.Itoa(min(len(f.Input), pageOctets)) + " of " + report.Plural(f.Octets, "octet")
	}
	for i, frame := range f.Stack {
		if i == pageFrames {
			v.Stack = append(v.Stack, "… "+strconv.Itoa(len(f.Stack)-i)+" more")
			break
		}
		v.Stack = append(v.Stack, frame.String())
	}
	return v
}

// fuzzEnvironment returns the machine and the settings that the numbers depend on.
func fuzzEnvironment(f *report.Campaign) []pair {
	facts := []pair{
		{"CPU", f.CPU}, {"Kernel", f.Kernel},
		{"tunnelbench", f.Tool.Version}, {"Commit", f.Tool.Commit}, {"Go", f.Tool.Go},
		{"Started", timeText(f.Started)}, {"Ended", timeText(f.Ended)},
	}
	for i := range facts {
		facts[i].Value = cmp.Or(strictjson.Clean(facts[i].Value), show.None)
	}
	return facts
}

// WriteFuzz writes all report files of a campaign into dir.
func WriteFuzz(dir string, c *report.Campaign) error {
	html, err1 := FuzzHTML(c)
	junit, err2 := report.JUnit(c)
	sarif, err3 := report.SARIF(c)
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	errs := []error{report.Write(filepath.Join(dir, "fuzz.json"), c)}
	for name, data := range map[string][]byte{"fuzz.html": html, "fuzz.junit.xml": junit, "fuzz.sarif": sarif} {
		errs = append(errs, atomicfile.WriteFile(filepath.Join(dir, name), data, 0o644))
	}
	return errors.Join(errs...)
}
