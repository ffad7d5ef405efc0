package page

import (
	"bytes"
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"slices"
	"strings"

	"github.com/tunnelbench/tunnelbench/reports/behaviour"
	"github.com/tunnelbench/tunnelbench/reports/field"
	"github.com/tunnelbench/tunnelbench/reports/frame"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/show"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

var (
	//go:embed page.tmpl
	pageText string

	// script sorts and filters the tables. The page is complete without it.
	//go:embed page.js
	script string

	pageTemplate = template.Must(template.New("field").Parse(pageText))
)

// page is the data of the page.
type page struct {
	CSP, Title, When, Summary string
	CSS                       template.CSS
	Script                    template.JS
	Machines                  []machine
	Several                   bool // machines
}

// machine is the runs on one machine.
type machine struct {
	ID, Title string
	Runs      []runView
}

// runView is one run of the field.
type runView struct {
	ID, When, Profile, Command, Control string
	Headlines                           []headline
	Tables                              []table
	Charts                              []chart
	Missing                             []missing
	Tunnels                             []tunnel
	Environment                         []fact
	Notes                               []string
}

type headline struct{ Topic, Value, Said string }

type missing struct{ Name, Why, Install string }

type fact struct{ Name, Value string }

// tunnel is the section of a device.
type tunnel struct {
	ID, Name, State, Text string
	Bad                   bool
	Facts                 []fact
	Cannot                []string
	Heads                 []string
	Rows                  []tunnelRow
	Findings              []findingView
}

// findingView is what a test of behaviour found.
type findingView struct {
	Test, Verdict string
	Bad           bool
	Lines         []string
}

type tunnelRow struct {
	Name  string
	Cells []string
}

// HTML returns the fields as one self-contained page, grouped by machine. The same values give the same bytes.
func HTML(fields []*field.Field) ([]byte, error) {
	p := page{CSP: frame.Policy(script), CSS: template.CSS(frame.CSS), Script: template.JS(script), Title: "The field: tunnels side by side"}
	devices := map[string]bool{}
	for _, f := range fields {
		p.When = max(p.When, whenOf(f))
		i := slices.IndexFunc(p.Machines, func(m machine) bool { return m.ID == "m-"+f.Machine })
		if i < 0 {
			i = len(p.Machines)
			p.Machines = append(p.Machines, machine{ID: "m-" + f.Machine, Title: f.Host.Summary()})
		}
		p.Machines[i].Runs = append(p.Machines[i].Runs, viewOf(f))
		for _, d := range f.Devices {
			devices[d.Name] = devices[d.Name] || d.State != field.Unsupported && d.Kind != result.KindCalibration
		}
	}
	n := 0
	for _, ran := range devices {
		if ran {
			n++
		}
	}
	p.Several = len(p.Machines) > 1
	p.Summary = fmt.Sprintf("%d tunnels, each between two network namespaces of one machine, in turns of 20 ms with plain forwarding without a tunnel. Plain ones are compared with plain ones, sealed with sealed.", n)
	var b bytes.Buffer
	err := pageTemplate.Execute(&b, p)
	return b.Bytes(), err
}

func viewOf(f *field.Field) runView {
	v := runView{
		ID: "r-" + f.Machine + "-" + f.Started.UTC().Format("20060102T150405"), When: whenOf(f), Profile: f.Profile, Command: show.ShellLine(f.Command), Control: f.Control,
		Headlines: headlinesOf(f), Tables: tablesOf(f), Notes: f.Host.Notes,
		Environment: []fact{
			{"CPU", f.Host.CPU}, {"Cores", fmt.Sprint(f.Host.Cores) + "; " + f.Host.CPUPlan}, {"Kernel", f.Host.Kernel}, {"Virtual", f.Host.Virtual}, {"tunnelbench", f.Tool.Version}, {"Commit", f.Tool.Commit}, {"Go", f.Tool.Go},
			{"Profile", f.Profile}, {"Ended", f.Ended.UTC().Format("2006-01-02 15:04:05 UTC")},
		},
	}
	for _, s := range f.Sizes {
		if c, ok := chartOf(f, s); ok {
			v.Charts = append(v.Charts, c)
		}
	}
	for _, d := range f.Missing() {
		v.Missing = append(v.Missing, missing{d.Name, d.Why, d.About.Install})
	}
	for _, g := range f.Groups() {
		for _, d := range g.Devices {
			v.Tunnels = append(v.Tunnels, tunnelOf(f, d))
		}
	}
	for i := range v.Environment {
		v.Environment[i].Value = cmp.Or(v.Environment[i].Value, show.None)
	}
	return v
}

// headlinesOf returns the fastest devices of each group: all that share the first rank.
func headlinesOf(f *field.Field) (out []headline) {
	for _, g := range f.Groups() {
		if g.Name == result.KindCalibration {
			continue
		}
		var names []string
		said := ""
		ranks := ranksOf(f, g.Devices)
		for _, d := range g.Devices {
			switch {
			case ranks[d.Name] == "1":
				names = append(names, d.Name)
				said = cmp.Or(said, rateWords(d, smallest(f), f.Control))
			case g.Name == field.Streams && len(names) == 0 && d.Goodput != nil && d.State == field.Works:
				names, said = []string{d.Name}, show.Digits(d.Goodput.Bits.Value/1e6, show.Thin)+" Mbit/s with "+d.Goodput.Congestion
			}
		}
		if len(names) > 0 {
			out = append(out, headline{"Fastest of the " + strings.ToLower(titles[g.Name]), strings.Join(names, ", "), said})
		}
	}
	return out
}

// rateWords says what the rate of a device is.
func rateWords(d *field.Device, s rfc2544.FrameSize, control string) string {
	c := rateCell(d, s, control)
	return fmt.Sprintf("%s kframes/s of %d bytes (%s)", c.Text, s, strings.Join(c.Below, ", "))
}

// tunnelOf returns the section of a device.
func tunnelOf(f *field.Field, d *field.Device) tunnel {
	a := d.About
	t := tunnel{ID: idOf(f, d), Name: d.Name, State: string(d.State), Text: a.Text, Bad: d.State != field.Works, Cannot: a.Cannot}
	if t.Bad {
		t.State += ": " + d.Why
	}
	facts := []fact{
		{"Kind", d.Kind + ", carries " + d.Carries}, {"Language", a.Language}, {"Cipher", a.Cipher}, {"Carrier", a.Carrier}, {"Version", a.Version}, {"Licence", a.Licence},
		{"Home", a.Home}, {"Recipe", a.Recipe}, {"Install", a.Install}, {"Memory of both ends, MB", memoryCell(d).Text}, {"Overhead of a packet at the smallest size, octets", overheadText(d, smallest(f))},
	}
	if d.Goodput != nil {
		facts = append(facts, fact{"Goodput of one TCP connection", show.Digits(d.Goodput.Bits.Value/1e6, show.Thin) + " Mbit/s, " + d.Goodput.Congestion})
	}
	for _, one := range facts {
		if one.Value != "" && one.Value != show.None {
			t.Facts = append(t.Facts, one)
		}
	}
	for _, p := range d.Points {
		t.Heads = append(t.Heads, fmt.Sprintf("%d B", p.Size))
	}
	for _, line := range lines {
		r, some := tunnelRow{Name: line.name}, false
		for _, p := range d.Points {
			text := line.of(p)
			r.Cells, some = append(r.Cells, text), some || text != show.None
		}
		if some {
			t.Rows = append(t.Rows, r)
		}
	}
	for _, found := range d.Behaviour {
		t.Findings = append(t.Findings, findingView{found.Test, string(found.Verdict), found.Verdict == behaviour.Fail, found.Lines()})
	}
	return t
}

func overheadText(d *field.Device, s rfc2544.FrameSize) string {
	c := overheadCell(d, s)
	return strings.Join(append([]string{c.Text}, c.Below...), ", ")
}

// lines are the values of a device at each frame size.
var lines = []struct {
	name string
	of   func(field.Point) string
}{
	{"closed loop as measured, kframes/s", func(p field.Point) string { return kilo(p.Rate) }},
	{"the same at the control's usual speed", func(p field.Point) string { return kilo(p.Normal) }},
	{"share of the control", func(p field.Point) string {
		if p.Share == nil {
			return show.None
		}
		return fmt.Sprintf("%s (%s–%s)", show.Percent(p.Share.Value), show.Percent(p.Share.Lower), show.Percent(p.Share.Upper))
	}},
	{"CPU per frame at half rate, ns", func(p field.Point) string { return plainInterval(p.CPU) }},
	{"light load: p50 / p99, µs", func(p field.Point) string { return latency(p.Light) }},
	{"light load: lost", func(p field.Point) string { return lost(p.Light) }},
	{"half rate: p50 / p99, µs", func(p field.Point) string { return latency(p.Half) }},
	{"half rate: lost", func(p field.Point) string { return lost(p.Half) }},
}

func kilo(i *field.Interval) string {
	if i == nil {
		return show.None
	}
	return fmt.Sprintf("%s (%s–%s; %d)", show.Kilo(i.Value), show.Kilo(i.Lower), show.Kilo(i.Upper), i.N)
}

func plainInterval(i *field.Interval) string {
	if i == nil {
		return show.None
	}
	return fmt.Sprintf("%s (%s–%s)", show.Digits(i.Value, show.Thin), show.Digits(i.Lower, show.Thin), show.Digits(i.Upper, show.Thin))
}

func latency(l *field.Load) string {
	if l == nil || l.P50 == nil || l.P99 == nil {
		return show.None
	}
	return show.Micros(*l.P50) + " / " + show.Micros(*l.P99)
}

func lost(l *field.Load) string {
	if l == nil {
		return show.None
	}
	return fmt.Sprintf("%s of %s frames (%d corrupted, %d late) at %s frames/s", show.Count(l.Lost()), show.Count(l.Offered), l.Corrupted, l.Late, show.Digits(float64(l.Rate), show.Thin))
}
