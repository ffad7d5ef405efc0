package waterfall

import (
	"bytes"
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/reports/frame"
	"github.com/tunnelbench/tunnelbench/reports/show"
)

var (
	//go:embed page.tmpl
	pageText string

	pageTemplate = template.Must(template.New("trace").Parse(pageText))
)

// page is the data of the page.
type page struct {
	CSP, Title, When, Summary, Command string
	CSS                                template.CSS
	Warnings, Missing                  []string
	Streams                            []streamView
	Threads                            []threadsView
	Environment                        []fact
}

type fact struct{ Name, Value, Said string }

type streamView struct {
	Direction  string
	KnowsDrops bool // there is a column that says why frames were lost
	Facts      []fact
	Legend     []legendItem
	Charts     []chart
	Rows       []row
	Frames     []frameView
}

type legendItem struct{ Name, Fill string }

type row struct {
	From, To, What, P50, P90, P99, Most, AtP50, AtP99, Share, Waiting, Queue, Lost, Why string
	Loses                                                                               bool
}

type frameView struct {
	Title  string
	Passes []passView
}

type passView struct{ Point, At, Step, How string }

type threadsView struct {
	Node, P50, P99, Ran string
	Wakeups, Preempted  uint64
}

// HTML returns the trace as one self-contained page. The same trace gives the same bytes.
func HTML(t *Trace) ([]byte, error) {
	p := page{
		CSP: frame.Policy(), CSS: template.CSS(frame.CSS), Title: "Where frames spend their time: " + t.Device, When: t.Started.UTC().Format(time.DateTime + " UTC"),
		Summary: fmt.Sprintf("%d bytes, %s for %.3g s; one frame in %d was followed from interface to interface.", t.Size, load(t.Load), t.Duration, t.Every),
		Command: show.ShellLine(t.Command), Warnings: t.Warnings, Missing: t.Missing,
		Environment: []fact{{Name: "CPU", Value: t.CPU}, {Name: "Kernel", Value: t.Kernel}, {Name: "tunnelbench", Value: t.Tool.Version}, {Name: "Commit", Value: t.Tool.Commit}, {Name: "Go", Value: t.Tool.Go}},
	}
	for _, s := range t.Streams {
		p.Streams = append(p.Streams, viewOf(s, t))
	}
	for _, w := range t.Threads {
		p.Threads = append(p.Threads, threadsView{w.Node, ns(w.Wait50), ns(w.Wait99), ns(int64(w.RunNs)), w.Wakeups, w.Preempted})
	}
	for i := range p.Environment {
		p.Environment[i].Value = cmp.Or(p.Environment[i].Value, show.None)
	}
	var b bytes.Buffer
	err := pageTemplate.Execute(&b, p)
	return b.Bytes(), err
}

func load(fps float64) string {
	if fps == 0 {
		return "as fast as it goes"
	}
	return fmt.Sprintf("%g frames/s in each direction", fps)
}

func viewOf(s Stream, t *Trace) streamView {
	v := streamView{Direction: s.Direction, KnowsDrops: t.KnowsDrops(), Facts: factsOf(s, t.Cost), Legend: legendOf(s)}
	for _, f := range s.Picked {
		if f.Why == Usual || f.Why == Tail {
			v.Charts = append(v.Charts, chartOf(s, f))
		}
		v.Frames = append(v.Frames, frameOf(s, f))
	}
	for _, h := range s.Hops {
		v.Rows = append(v.Rows, row{
			From: h.From.String(), To: h.To.String(), What: what(h), P50: ns(h.Time.P50), P90: ns(h.Time.P90), P99: ns(h.Time.P99), Most: ns(h.Time.Most), AtP50: ns(int64(h.AtP50)), AtP99: ns(int64(h.AtP99)),
			Share: percent(h.Share), Waiting: fmt.Sprintf("%.2f", h.Waiting), Queue: fmt.Sprint(h.Most), Lost: fmt.Sprint(h.Lost), Why: reasons(h), Loses: h.Lost > 0,
		})
	}
	return v
}

func factsOf(s Stream, c *Cost) []fact {
	facts := []fact{
		{"End to end", endToEnd(s), fmt.Sprintf("p50 of the followed frames; the tester’s own over all frames is %s, the sum of the hops at p50 %s, that of the hops’ own p50 %s", ns(s.Tester), ns(int64(s.SumAtP50())), ns(s.SumOfMedians()))},
		{"Followed", fmt.Sprint(s.Followed), fmt.Sprintf("frames of %d offered; %d arrived, %d were seen at all points", s.Offered, s.Delivered, s.Complete)},
	}
	if c != nil {
		facts = append(facts, fact{"Tracing costs", signed(c.P50[0], c.P50[1]), fmt.Sprintf("of the p50, from %s; closed loop: %s. Medians of %d trials each, in turns", ns(c.P50[0]), c.loop(), c.Rounds)})
	}
	return facts
}

func endToEnd(s Stream) string {
	if s.Delivered == 0 {
		return show.None
	}
	return ns(s.OneWay.P50)
}

func frameOf(s Stream, f Picked) frameView {
	v := frameView{Title: fmt.Sprintf("%s: sequence number %d, sent at %s", f.Why, f.Sequence, ns(f.Sent))}
	if f.Lost != "" {
		v.Title += "; " + f.Lost
	}
	last := int64(0)
	for _, p := range f.Passes {
		how := "seen"
		if p.Inferred {
			how = "inferred"
		}
		v.Passes = append(v.Passes, passView{s.Points[p.Point].String(), ns(p.At), ns(p.At - last), how})
		last = p.At
	}
	return v
}

func what(h Hop) string {
	if h.Inferred {
		return string(h.Work) + " (inferred)"
	}
	return string(h.Work)
}

func reasons(h Hop) string {
	var why []string
	for _, r := range h.Reasons {
		why = append(why, fmt.Sprintf("%s %d", r.Name, r.Frames))
	}
	return strings.Join(why, ", ")
}

func percent(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }

// signed returns by how much b differs from a.
func signed[T int64 | float64](a, b T) string {
	if a == 0 {
		return show.None
	}
	return fmt.Sprintf("%+.1f %%", 100*(float64(b)/float64(a)-1))
}
