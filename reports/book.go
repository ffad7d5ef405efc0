package reports

import (
	"errors"
	"fmt"
	"html/template"
	"slices"

	"github.com/tunnelbench/tunnelbench/reports/frame"

	"github.com/tunnelbench/tunnelbench/fuzz/report"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

// book is an HTML file with one page, or with several pages grouped by machine:
//
//	book ─ host ─ run (a page)
//	     │      └ run
//	     └ host ─ run
type book struct {
	CSP, Title, When, Summary string
	CSS                       template.CSS
	Runs                      []*page
	Hosts                     []hostView // empty for a single run
	Campaigns                 []campaignView
}

// campaignView is the summary of a fuzz campaign; the campaign's own page shows the details.
type campaignView struct {
	ID, When, Summary string
	Headlines         []headline
	Targets           *tableView
}

func campaignOf(f *report.Campaign, n int) campaignView {
	return campaignView{ID: fmt.Sprintf("fuzz%d", n), When: timeText(f.Started), Summary: fuzzSummary(f), Headlines: fuzzHeadlines(f), Targets: fuzzTargetTable(f)}
}

// hostView is a machine and its runs.
type hostView struct {
	Name string
	Runs []*page
}

func newBook(runs []*result.Results) (*book, error) {
	if len(runs) == 0 {
		return nil, errors.New("no run")
	}
	b := &book{CSP: frame.Policy(), CSS: template.CSS(frame.CSS)}
	if len(runs) == 1 {
		p, err := newPage(runs[0], "")
		if err != nil {
			return nil, err
		}
		b.Title, b.When, b.Runs = p.Title, p.When, []*page{p}
		return b, nil
	}
	for i, r := range runs {
		p, err := newPage(r, fmt.Sprintf("run%d-", i+1))
		if err != nil {
			return nil, err
		}
		b.add(hostOf(r), p)
	}
	for _, h := range b.Hosts { // in page order
		b.Runs = append(b.Runs, h.Runs...)
	}
	b.Title = "Tunnel benchmarks"
	b.Summary = fmt.Sprintf("%d runs, of %d machines. Numbers of different machines, or of different runs, are not compared.", len(b.Runs), len(b.Hosts))
	return b, nil
}

// add adds a page to the group of its machine.
func (b *book) add(host string, p *page) {
	i := slices.IndexFunc(b.Hosts, func(h hostView) bool { return h.Name == host })
	if i < 0 {
		i = len(b.Hosts)
		b.Hosts = append(b.Hosts, hostView{Name: host})
	}
	b.Hosts[i].Runs = append(b.Hosts[i].Runs, p)
}
