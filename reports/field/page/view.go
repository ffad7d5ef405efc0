// Package page shows the field as text and as one page.
package page

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/behaviour"
	"github.com/tunnelbench/tunnelbench/reports/field"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/show"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// titles are the headings of the groups.
var titles = map[string]string{
	result.KindCalibration: "No tunnel", result.KindPlain: "Plain tunnels", result.KindSealed: "Sealed tunnels", field.Streams: "Tunnels that carry streams",
}

// cell is a value of a table, with what stands below it in small print.
type cell struct {
	Text  string
	Below []string
	Sort  string // what the script sorts by; empty: below all others
	Bad   bool   // what stands below is a fault
}

// row is a device in a table.
type row struct {
	Name, ID string
	Rank     string
	What     string // language, cipher and carrier
	Words    string // what the filter looks through
	Cells    []cell
	Why      string // instead of the cells, of a device that does not work
}

// table is the devices of a group.
type table struct {
	Title string
	Heads []string
	Rows  []row
	Wide  int // columns besides the name
}

// tablesOf returns the tables of a machine's run. The control stands first in the tables of tunnels, for comparison.
func tablesOf(f *field.Field) (out []table) {
	var control []*field.Device
	for _, g := range f.Groups() {
		if g.Name == result.KindCalibration {
			control = g.Devices
			continue
		}
		if g.Name == field.Streams {
			out = append(out, streamsTable(g))
			continue
		}
		t := table{Title: titles[g.Name], Heads: headsOf(f)}
		ranks := ranksOf(f, g.Devices)
		for _, d := range slices.Concat(control, g.Devices) {
			r := rowOf(f, d)
			r.Rank = ranks[d.Name]
			t.Rows = append(t.Rows, r)
		}
		t.Wide = len(t.Heads) - 1
		out = append(out, t)
	}
	if len(out) == 0 && len(control) > 0 {
		t := table{Title: titles[result.KindCalibration], Heads: headsOf(f), Rows: []row{rowOf(f, control[0])}}
		t.Wide = len(t.Heads) - 1
		out = append(out, t)
	}
	if t, ok := lossTable(f); ok {
		out = append(out, t)
	}
	return out
}

// ranksOf returns the rank of each device by its rate at the smallest size.
func ranksOf(f *field.Field, devices []*field.Device) map[string]string {
	var names []string
	var rates []field.Interval
	for _, d := range devices {
		if r := d.Compared(smallest(f)); r != nil {
			names, rates = append(names, d.Name), append(rates, *r)
		}
	}
	out := map[string]string{}
	for i, rank := range field.Ranks(rates) {
		out[names[i]] = fmt.Sprint(rank)
	}
	return out
}

// smallest returns the smallest frame size, by which devices are ordered; 0 if there is none.
func smallest(f *field.Field) rfc2544.FrameSize {
	if len(f.Sizes) == 0 {
		return 0
	}
	return slices.Min(f.Sizes)
}

// headsOf returns the titles of the columns.
func headsOf(f *field.Field) []string {
	heads := []string{"tunnel"}
	for _, s := range f.Sizes {
		heads = append(heads, fmt.Sprintf("%d B, kframes/s", s))
	}
	return append(heads, "CPU ns/frame", "latency µs", "overhead B", "memory MB", "behaviour")
}

func rowOf(f *field.Field, d *field.Device) row {
	r := row{Name: d.Name, ID: idOf(f, d), What: whatOf(d)}
	r.Words = strings.ToLower(strings.Join([]string{d.Name, r.What, d.About.Text, d.About.Licence, string(d.State)}, " "))
	if d.State != field.Works {
		r.Why = string(d.State) + ": " + d.Why
		return r
	}
	for _, s := range f.Sizes {
		r.Cells = append(r.Cells, rateCell(d, s, f.Control))
	}
	p := d.Point(smallest(f))
	if p == nil {
		p = &field.Point{}
	}
	r.Cells = append(r.Cells, cpuCell(p), latencyCell(p), overheadCell(d, smallest(f)), memoryCell(d), behaviourCell(d))
	return r
}

// whatOf returns what a device is: its language, cipher and carrier.
func whatOf(d *field.Device) string {
	var parts []string
	for _, part := range []string{d.About.Language, d.About.Cipher, d.About.Carrier} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, " · ")
}

// idOf returns the anchor of a device's section.
func idOf(f *field.Field, d *field.Device) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '"' {
			return '_'
		}
		return r
	}, f.Machine+"-"+f.Started.UTC().Format("20060102T150405")+"-"+strictjson.Clean(d.Name))
}

// none is the cell of a value that was not measured.
var none = cell{Text: show.None}

func rateCell(d *field.Device, s rfc2544.FrameSize, control string) cell {
	i := d.Rate(s)
	switch p := d.Point(s); {
	case p != nil && p.TooLarge(d.Points):
		return cell{Text: "too large"}
	case i == nil:
		return none
	}
	c := cell{Text: show.Kilo(i.Value), Sort: sortKey(i.Value)}
	if d.Compared(s) == nil {
		c.Below = []string{"alone"}
		return c
	}
	c.Below = append(c.Below, show.Kilo(i.Lower)+"–"+show.Kilo(i.Upper))
	if p := d.Point(s); p.Share != nil && d.Name != control {
		c.Below = append(c.Below, show.Percent(p.Share.Value)+" of "+control)
	}
	return c
}

func cpuCell(p *field.Point) cell {
	if p.CPU == nil {
		return none
	}
	return cell{Text: show.Digits(p.CPU.Value, show.Thin), Below: []string{show.Digits(p.CPU.Lower, show.Thin) + "–" + show.Digits(p.CPU.Upper, show.Thin)}, Sort: sortKey(p.CPU.Value)}
}

func latencyCell(p *field.Point) cell {
	if p.Light == nil || p.Light.P50 == nil || p.Light.P99 == nil {
		return none
	}
	return cell{Text: show.Micros(*p.Light.P50), Below: []string{"p99 " + show.Micros(*p.Light.P99)}, Sort: sortKey(float64(*p.Light.P50))}
}

// overheadCell is what was counted on the wire for each packet of a size; the figure by the book stands below it.
func overheadCell(d *field.Device, s rfc2544.FrameSize) cell {
	book := ""
	if d.About.Book > 0 {
		book = fmt.Sprintf("book %d", d.About.Book)
	}
	found, _ := d.Finding("overhead")
	v, ok := found.Value(fmt.Sprintf("overhead_%d", s))
	if !ok { // it is counted at three sizes only
		v, ok = found.Value("overhead_64")
	}
	switch {
	case ok && book != "":
		return cell{Text: show.Digits(v.Value, show.Thin), Below: []string{book}, Sort: sortKey(v.Value)}
	case ok:
		return cell{Text: show.Digits(v.Value, show.Thin), Sort: sortKey(v.Value)}
	case book != "":
		return cell{Text: fmt.Sprint(d.About.Book), Below: []string{"by the book"}, Sort: sortKey(float64(d.About.Book))}
	}
	return none
}

// behaviourCell is how many of the rules that documents have a device follows, and which not.
func behaviourCell(d *field.Device) cell {
	passed := 0
	var failed []string
	for _, f := range d.Behaviour {
		switch f.Verdict {
		case behaviour.Pass:
			passed++
		case behaviour.Fail:
			failed = append(failed, f.Test)
		}
	}
	all := passed + len(failed)
	if all == 0 {
		return none
	}
	c := cell{Text: fmt.Sprintf("%d of %d", passed, all), Sort: sortKey(float64(passed) / float64(all)), Bad: len(failed) > 0}
	if c.Bad {
		c.Below = []string{"not " + strings.Join(failed, ", ")}
	}
	return c
}

func memoryCell(d *field.Device) cell {
	if d.Memory == nil {
		return none
	}
	return cell{Text: show.Digits(float64(*d.Memory)/1e6, show.Thin), Sort: sortKey(float64(*d.Memory))}
}

// sortKey returns a number as the script reads it.
func sortKey(v float64) string { return fmt.Sprintf("%.6g", v) }

// streamsTable returns the table of devices that carry streams.
func streamsTable(g field.Group) table {
	t := table{Title: titles[g.Name], Heads: []string{"tunnel", "goodput, Mbit/s", "congestion control", "memory MB"}, Wide: 3}
	for _, d := range g.Devices {
		r := row{Name: d.Name, What: whatOf(d), Cells: []cell{none, none, memoryCell(d)}}
		if d.State != field.Works {
			r.Why, r.Cells = string(d.State)+": "+d.Why, nil
		} else if p := d.Goodput; p != nil {
			r.Cells[0] = cell{Text: show.Digits(p.Bits.Value/1e6, show.Thin), Below: []string{show.Digits(p.Bits.Lower/1e6, show.Thin) + "–" + show.Digits(p.Bits.Upper/1e6, show.Thin)}, Sort: sortKey(p.Bits.Value)}
			r.Cells[1] = cell{Text: p.Congestion, Sort: p.Congestion}
		}
		r.Words = strings.ToLower(r.Name + " " + r.What + " " + d.About.Text)
		t.Rows = append(t.Rows, r)
	}
	return t
}

// whenOf says when a run was.
func whenOf(f *field.Field) string { return f.Started.UTC().Format(time.DateTime + " UTC") }
