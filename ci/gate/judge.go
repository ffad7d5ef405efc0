package gate

import (
	"fmt"
	"slices"

	"github.com/tunnelbench/tunnelbench/reports/result"
)

// Judgement is a report, and the measurements still needed for its verdict.
type Judgement struct {
	Report Report
	// Measure the metrics in Metrics until series Series has Pairs pairs. Pairs is zero when the
	// verdict is final.
	Series, Pairs int
	Metrics       []string
}

// Judge compares the head's set with the base's. It is pure: the same sets and policy give the same
// report. It returns an error if the sets do not belong together.
//
//	series 1:  16 pairs ─ look ─ 32 ─ look ─ 64 ─ look     each metric until it is decided
//	                        └ fail? ─ series 2: the same for metrics that failed
//	                                     └ fails again: FAIL;  else INCONCLUSIVE, not reproduced
func Judge(p Policy, base, head *Set) (Judgement, error) {
	base = evened(base, head)
	if err := checkSides(base, head); err != nil {
		return Judgement{}, err
	}
	if err := checkKnown(p, base); err != nil {
		return Judgement{}, err
	}
	j := Judgement{Report: Report{
		Schema: Schema, Device: head.Device, Base: side(base), Head: side(head), Tool: head.Tool, Host: head.Host, Seed: head.Seed,
		Risk: p.Risk, Looks: p.Looks, Pairs: len(head.Turns), Command: head.Command, Warnings: []string{},
	}}
	if identical(base, head) {
		j.Report.Verdict, j.Report.Why = Pass, "identical binaries: there is nothing to measure"
		return j, nil
	}
	for _, m := range p.Metrics {
		j.Report.Metrics = append(j.Report.Metrics, judgeMetric(p, m, base, head))
	}
	if died(base, head, &j.Report) {
		return j, nil
	}
	sayEvents(base, head, &j.Report)
	j.next(p, len(head.Turns))
	if j.Pairs > 0 {
		j.Report.Ended = &Ended{Series: j.Series, Pairs: measured(head, j.Series), Next: j.Pairs, Last: p.Looks[len(p.Looks)-1]}
	}
	conclude(p, head, &j.Report)
	return j, nil
}

// evened returns the base without its last turn if the head lacks that pair: a gate that is killed
// while it saves has written the base's file and not the head's.
func evened(base, head *Set) *Set {
	if len(base.Turns) != len(head.Turns)+1 {
		return base
	}
	b := *base
	b.Turns = base.Turns[:len(head.Turns)]
	return &b
}

func side(s *Set) Side {
	return Side{Revision: s.Revision, Commit: s.Commit, Builds: s.Builds}
}

// identical reports whether both sides have the same binaries.
func identical(base, head *Set) bool {
	return len(base.Turns) == 0 && len(base.Builds) > 0 && len(head.Builds) > 0 && base.Builds[0].SHA256 == head.Builds[0].SHA256
}

// checkSides returns an error if the two sets do not belong together.
func checkSides(base, head *Set) error {
	switch {
	case base.Side != BaseSide:
		return fmt.Errorf("base: /side: is %q: give the base's set first", base.Side)
	case head.Side != HeadSide:
		return fmt.Errorf("head: /side: is %q: give the head's set second", head.Side)
	case base.Tool != head.Tool:
		return fmt.Errorf("head: /tool: %q measured, and %q the base: one build has to measure both", head.Tool.Commit, base.Tool.Commit)
	case machine(base.Host) != machine(head.Host):
		return fmt.Errorf("head: /host: is another machine than the base's: numbers of two machines are not compared")
	case base.Device != head.Device:
		return fmt.Errorf("head: /device: is %q, the base's %q", head.Device, base.Device)
	case base.Seed != head.Seed || base.Link != head.Link:
		return fmt.Errorf("head: /seed, /link_bps: differ from the base's: these are not halves of one gate")
	case base.CongestionControl != head.CongestionControl:
		return fmt.Errorf("head: /congestion_control: is %q, the base's %q: TCP of two kinds is not compared", head.CongestionControl, base.CongestionControl)
	case !slices.Equal(base.Metrics, head.Metrics):
		return fmt.Errorf("head: /metrics: differ from the base's")
	case !slices.Equal(base.Loads, head.Loads):
		return fmt.Errorf("head: /loads: differ from the base's")
	case len(base.Turns) != len(head.Turns):
		return fmt.Errorf("head: /turns: there are %d, of the base %d: a pair has two sides", len(head.Turns), len(base.Turns))
	}
	for i, b := range base.Turns {
		h := head.Turns[i]
		switch {
		case b.Series != h.Series || b.Pair != h.Pair:
			return fmt.Errorf("head: /turns/%d: is pair %d of series %d, the base's is %d of %d", i, h.Pair, h.Series, b.Pair, b.Series)
		case b.Place == h.Place:
			return fmt.Errorf("head: /turns/%d/place: both sides came as number %d of their pair", i, h.Place)
		case !sameKeys(b.Values, h.Values):
			return fmt.Errorf("head: /turns/%d/values: has other metrics than the base's", i)
		case i > 0 && !inOrder(base.Turns[i-1], b):
			return fmt.Errorf("base: /turns/%d: pair %d of series %d is out of order", i, b.Pair, b.Series)
		}
	}
	return nil
}

// inOrder reports whether turn b directly follows turn a, so that no pair is missing.
func inOrder(a, b Turn) bool {
	return b.Series == a.Series && b.Pair == a.Pair+1 || b.Series == a.Series+1 && b.Pair == 1
}

func sameKeys(a, b map[string]*float64) bool {
	if len(a) != len(b) {
		return false
	}
	for k := range a {
		if _, ok := b[k]; !ok {
			return false
		}
	}
	return true
}

// machine returns an identification of a host.
func machine(h result.Host) string {
	return fmt.Sprintf("%q %q %q %d %q %q", h.CPU, h.Kernel, h.Arch, h.Cores, h.CPUPlan, h.Virtual)
}

// checkKnown returns an error if a set has metrics that the policy lacks. Without this check, a
// report would seem to cover them.
func checkKnown(p Policy, s *Set) error {
	for i, m := range s.Metrics {
		if !slices.ContainsFunc(p.Metrics, func(have PolicyMetric) bool { return have.ID() == m.ID() }) {
			return fmt.Errorf("base: /metrics/%d: %q is not in the policy", i, m.ID())
		}
	}
	return nil
}

// died ends the gate if a side does not run: two or more deaths are no accident.
func died(base, head *Set, g *Report) bool {
	deaths := func(s *Set) (n int, how string) {
		for _, t := range s.Turns {
			if t.Died != "" {
				n, how = n+1, shortened(t.Died)
			}
		}
		return n, how
	}
	const twice = 2
	b, howBase := deaths(base)
	h, howHead := deaths(head)
	switch {
	case b >= twice:
		g.Verdict, g.Why = Environment, fmt.Sprintf("the base died in %d turns: %s", b, howBase)
	case h >= twice && b == 0:
		g.Verdict, g.Why = Fail, fmt.Sprintf("the head died in %d of %d turns, the base in none: %s", h, len(head.Turns), howHead)
	case h >= twice:
		g.Verdict, g.Why = Environment, fmt.Sprintf("the head died in %d turns, and the base in %d: %s", h, b, howHead)
	default:
		return false
	}
	for i := range g.Metrics {
		if m := &g.Metrics[i]; m.Verdict == Undecided {
			m.Cause, m.SoFar = SideDied, nil
		}
	}
	g.explain()
	return true
}

// explain puts the reasons of the verdicts on the metrics into words.
func (g *Report) explain() {
	for i := range g.Metrics {
		g.Metrics[i].Why = g.Metrics[i].sentence(g.Looks)
	}
}

// sayEvents adds warnings on what happened to pairs, each kind in its own words.
func sayEvents(base, head *Set, g *Report) {
	say := func(format string, of func(t *Turn) []string) {
		pairs, last := 0, ""
		for i := range head.Turns {
			if all := slices.Concat(of(&base.Turns[i]), of(&head.Turns[i])); len(all) > 0 {
				pairs, last = pairs+1, all[len(all)-1]
			}
		}
		if pairs > 0 {
			g.Warnings = append(g.Warnings, fmt.Sprintf(format, pairs, len(head.Turns), last))
		}
	}
	say("in %d of %d pairs some trials do not count; in the last of them: %s", func(t *Turn) []string { return t.Doubts })
	say("in %d of %d pairs a device was not taken down cleanly, which costs no value; in the last of them: %s", func(t *Turn) []string { return t.Teardowns })
	say("in %d of %d pairs a device died, which once on a side counts as an accident: %s", func(t *Turn) []string {
		if t.Died == "" {
			return nil
		}
		return []string{shortened(t.Died)}
	})
}

// measured returns the number of pairs of a series.
func measured(s *Set, series int) (n int) {
	for i := range s.Turns {
		if s.Turns[i].Series == series {
			n++
		}
	}
	return n
}

// next sets the measurements still needed: first the first series until each metric is decided,
// then a second series for the metrics that failed.
func (j *Judgement) next(p Policy, turns int) {
	if turns == 0 {
		j.Series, j.Pairs = 1, p.Looks[0]
		for _, m := range p.Metrics {
			if m.Name != binarySize {
				j.Metrics = append(j.Metrics, m.ID())
			}
		}
		return
	}
	for _, series := range []int{1, 2} {
		for i := range j.Report.Metrics {
			m := &j.Report.Metrics[i]
			if m.Verdict == Undecided && len(m.Series) == series {
				j.Metrics, j.Series = append(j.Metrics, m.ID), series
				done := m.Series[series-1].Pairs + m.Series[series-1].Dropped
				j.Pairs = max(j.Pairs, nextLook(p.Looks, done))
			}
		}
		if j.Pairs > 0 {
			break
		}
	}
	if j.Series == 1 && turns < p.Looks[0] { // metrics without a verdict are measured until the first look
		for _, m := range p.Metrics {
			if m.Shown && !m.Exact {
				j.Metrics = append(j.Metrics, m.ID())
			}
		}
	}
}

// nextLook returns the first look after this number of pairs.
func nextLook(looks []int, pairs int) int {
	for _, l := range looks {
		if l > pairs {
			return l
		}
	}
	return looks[len(looks)-1]
}

// conclude sets the overall verdict, which is the worst verdict of any metric.
func conclude(p Policy, head *Set, g *Report) {
	for i := range g.Metrics { // no further pairs will be measured
		m := &g.Metrics[i]
		if m.Verdict == Undecided {
			m.Verdict, m.Cause = Inconclusive, Unfinished
			if m.Series[len(m.Series)-1].Cause == TooFew {
				m.Cause = TooFew
			}
		}
	}
	g.explain()
	acknowledge(p, head, g)
	for _, verdict := range []string{Fail, Inconclusive} {
		if which := withVerdict(g, verdict); len(which) > 0 {
			g.Verdict, g.Why = verdict, which[0].ID+": "+which[0].Why
			if len(which) > 1 {
				g.Why += fmt.Sprintf("; and %d more", len(which)-1)
			}
			return
		}
	}
	passed := withVerdict(g, Pass)
	if len(passed) == 0 { // a gate without a verdict on any metric does not pass
		g.Verdict, g.Why = Inconclusive, "no metric was judged"
		return
	}
	g.Verdict = Pass
	g.Why = fmt.Sprintf("each of %d metrics is shown to be slower by less than its limit, or not at all", len(passed))
}

// shortened cuts the description of a death to one sentence's length; the set holds the whole stack
// trace.
func shortened(died string) string {
	const most = 240
	if runes := []rune(died); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return died
}

func withVerdict(g *Report, verdict string) (which []Metric) {
	for _, m := range g.Metrics {
		if m.Verdict == verdict {
			which = append(which, m)
		}
	}
	return which
}

// acknowledge turns a failed metric into a pass if the policy acknowledges the regression and the
// acknowledgment has not expired.
func acknowledge(p Policy, head *Set, g *Report) {
	for _, a := range p.Acknowledged {
		m := g.Metric(a.Metric)
		if m == nil || m.Verdict != Fail || !a.accepts(head) {
			continue
		}
		if day := a.Expires.AddDate(0, 0, 1); !head.Started.Before(day) {
			g.Warnings = append(g.Warnings, fmt.Sprintf("%s: the acknowledgment of %s expired on %s", m.ID, a.Commit, a.Expires.Format("2006-01-02")))
			continue
		}
		m.Verdict, m.Why = Pass, fmt.Sprintf("%s; acknowledged until %s: %s", m.Why, a.Expires.Format("2006-01-02"), a.Reason)
	}
}
