package waterfall

import (
	"fmt"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/reports/texttab"
)

// Text returns the trace as tables, one for each direction.
func Text(t *Trace) string {
	var b strings.Builder
	for _, s := range t.Streams {
		fmt.Fprintf(&b, "%s: %d frames offered, %d received; 1 in %d followed: %d, of which %d arrived and %d were seen at all points\n",
			s.Direction, s.Offered, s.Received, t.Every, s.Followed, s.Delivered, s.Complete)
		_ = hopTable(s, t.KnowsDrops()).Text(&b) // a strings.Builder takes everything
		if s.Delivered > 0 {
			fmt.Fprintf(&b, "end to end p50 %s, p99 %s; the hops at p50 add up to %s, their own p50 to %s; the tester's own p50 over all frames %s\n",
				ns(s.OneWay.P50), ns(s.OneWay.P99), ns(int64(s.SumAtP50())), ns(s.SumOfMedians()), ns(s.Tester))
		}
	}
	for _, w := range t.Threads {
		fmt.Fprintf(&b, "threads of %s: %d wake-ups, %d times preempted; waited for a core p50 %s, p99 %s; ran %s per frame\n",
			w.Node, w.Wakeups, w.Preempted, ns(w.Wait50), ns(w.Wait99), ns(int64(w.RunNs)))
	}
	if c := t.Cost; c != nil {
		fmt.Fprintf(&b, "tracing costs: p50 %s without, %s with (%s); closed loop %s; medians of %d trials each, in turns\n",
			ns(c.P50[0]), ns(c.P50[1]), signed(c.P50[0], c.P50[1]), c.loop(), c.Rounds)
	}
	for _, w := range t.Warnings {
		fmt.Fprintf(&b, "warning: %s\n", w)
	}
	return b.String()
}

// hopTable returns the table of a direction's hops. Without why it does not say why frames were lost.
func hopTable(s Stream, why bool) *texttab.Table {
	columns := []texttab.Column{texttab.Left("from"), texttab.Left("to"), texttab.Left("what"), texttab.Right("p50"), texttab.Right("p99"), texttab.Right("at p50"), texttab.Right("at p99"),
		texttab.Right("share"), texttab.Right("waiting"), texttab.Right("lost"), texttab.Left("why")}
	if !why {
		columns = columns[:len(columns)-1]
	}
	table := texttab.New(columns...)
	for _, h := range s.Hops {
		row := []string{h.From.String(), h.To.String(), what(h), ns(h.Time.P50), ns(h.Time.P99), ns(int64(h.AtP50)), ns(int64(h.AtP99)), percent(h.Share),
			fmt.Sprintf("%.2f", h.Waiting), fmt.Sprint(h.Lost), reasons(h)}
		table.Add(row[:len(columns)]...)
	}
	return table
}

// ns returns a time in the unit in which it has few digits.
func ns(n int64) string {
	switch d := time.Duration(n); {
	case n >= 1e6:
		return fmt.Sprintf("%.2f ms", d.Seconds()*1e3)
	case n >= 1e3:
		return fmt.Sprintf("%.2f us", d.Seconds()*1e6)
	}
	return fmt.Sprintf("%d ns", n)
}

// loop says what tracing costs a closed loop.
func (c Cost) loop() string {
	if c.Rate[0] == 0 {
		return "not known, since there was no room for all its events: follow fewer frames (--every)"
	}
	return fmt.Sprintf("%.0f and %.0f frames/s (%s)", c.Rate[0], c.Rate[1], signed(c.Rate[0], c.Rate[1]))
}
