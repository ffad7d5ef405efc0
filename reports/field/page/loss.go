package page

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/reports/behaviour"
	"github.com/tunnelbench/tunnelbench/reports/field"
	"github.com/tunnelbench/tunnelbench/reports/show"
)

// link is a wan link of the table: a column.
type link struct {
	loss string
	rtt  time.Duration
}

// lossTable returns the goodput of TCP over lossy links, a row for each device and congestion control; ok is false if none
// was measured.
func lossTable(f *field.Field) (t table, ok bool) {
	links, ccs := linksOf(f)
	t = table{Title: "TCP under loss, Mbit/s by loss each way and round trip", Heads: []string{"tunnel, congestion control"}, Wide: len(links)}
	for _, l := range links {
		t.Heads = append(t.Heads, fmt.Sprintf("%s, %v", l.loss, l.rtt))
	}
	for i := range f.Devices {
		d := &f.Devices[i]
		found, _ := d.Finding(behaviour.Goodput)
		for _, cc := range ccs {
			r := row{Name: d.Name + ", " + cc, What: whatOf(d)}
			r.Words = strings.ToLower(r.Name + " " + r.What)
			for _, l := range links {
				r.Cells = append(r.Cells, lossCell(found, behaviour.Path{Loss: l.loss, RTT: l.rtt, CongestionControl: cc}))
			}
			if slices.ContainsFunc(r.Cells, func(c cell) bool { return c.Sort != "" }) {
				t.Rows = append(t.Rows, r)
			}
		}
	}
	return t, len(t.Rows) > 0
}

// linksOf returns the links and the congestion control algorithms that TCP was measured with, in their order.
func linksOf(f *field.Field) (links []link, ccs []string) {
	for i := range f.Devices {
		found, _ := f.Devices[i].Finding(behaviour.Goodput)
		for _, v := range found.Values {
			p, ok := behaviour.ParsePath(v.Name)
			if !ok {
				continue
			}
			if l := (link{p.Loss, p.RTT}); !slices.Contains(links, l) {
				links = append(links, l)
			}
			if !slices.Contains(ccs, p.CongestionControl) {
				ccs = append(ccs, p.CongestionControl)
			}
		}
	}
	return links, ccs
}

// lossCell is the goodput on a path, with its share of that without a tunnel below.
func lossCell(found behaviour.Finding, p behaviour.Path) cell {
	v, ok := found.Value(p.Name())
	if !ok {
		return none
	}
	c := cell{Text: show.Digits(v.Value/1e6, show.Thin), Sort: sortKey(v.Value)}
	if share, ok := found.Value(p.Share()); ok {
		c.Below = []string{show.Percent(share.Value/100) + " of plain"}
	}
	return c
}
