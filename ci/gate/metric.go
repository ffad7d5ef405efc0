package gate

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/tunnelbench/tunnelbench/internal/stats"
)

// Metrics without noise. The binary size is stored per build, not per turn.
const (
	binarySize  = "binary_size"
	allocations = "allocations_per_frame"
)

// judgeMetric returns the verdict on one metric.
func judgeMetric(p Policy, m PolicyMetric, base, head *Set) Metric {
	g := Metric{ID: m.ID(), Limit: float64(m.Limit), Margin: p.margin(m.ID()), Series: []Series{}}
	if m.Exact {
		judgeExact(m, &g, base, head)
		return g
	}
	for _, s := range head.Metrics {
		if s.ID() == m.ID() {
			g.Unit, g.Better = s.Unit, s.Better
		}
	}
	judgePairs(p, m, &g, base, head)
	return g
}

// judgeExact compares two values without statistics, since binary sizes have no noise and
// allocations per frame almost none.
func judgeExact(m PolicyMetric, g *Metric, base, head *Set) {
	g.Better = -1
	var more float64
	var words, limit string
	if m.Name == binarySize {
		g.Unit, g.Base, g.Head = "bytes", binaryBytes(base), binaryBytes(head)
	} else {
		g.Unit = "allocations"
		b, h := halves(base, head, m.ID(), 1)
		g.Base, g.Head = stats.MedianValid(b), stats.MedianValid(h)
	}
	switch {
	case g.Base == nil && g.Head == nil && !measurable(m, head):
		g.Verdict, g.Why = Shown, "neither side has it"
		return
	case g.Base == nil || g.Head == nil:
		unmeasured(m, g, head)
		return
	case m.Name == binarySize:
		more = slowdown(*g.Head / *g.Base, g.Better)
		words, limit = percent(more), m.Limit.String()
	default: // no ratio to a base of zero
		more = *g.Head - *g.Base
		words, limit = fmt.Sprintf("%+.3f a frame", more), fmt.Sprintf("%.3f", float64(m.Limit))
	}
	g.Verdict, g.Why = Pass, words
	switch {
	case m.Shown:
		g.Verdict = Shown
	case more > float64(m.Limit):
		g.Verdict, g.Why = Fail, words+" is more than "+limit
	}
}

// measurable reports whether the metric exists for the device. A script has no single binary, and
// other programs do not report their allocations.
func measurable(m PolicyMetric, s *Set) bool {
	if m.Name == binarySize {
		return !strings.HasPrefix(s.Device, "exec:")
	}
	return len(s.Turns) == 0 || slices.ContainsFunc(s.Metrics, func(have SetMetric) bool { return have.ID() == m.ID() })
}

// binaryBytes returns the size of a side's first build, or nil if it has none.
func binaryBytes(s *Set) *float64 {
	if len(s.Builds) == 0 || s.Builds[0].Octets == 0 {
		return nil
	}
	v := float64(s.Builds[0].Octets)
	return &v
}

// unmeasured says of a metric that it was not measured, or that a side never had a value.
func unmeasured(m PolicyMetric, g *Metric, head *Set) {
	g.Verdict, g.Cause = Inconclusive, Unmeasured
	if slices.ContainsFunc(head.Metrics, func(have SetMetric) bool { return have.ID() == m.ID() }) {
		g.Cause = Missing
	}
	if m.Shown {
		g.Verdict = Shown
	}
}

// judgePairs judges the first series. If its verdict is a failure, the second series has to
// confirm it.
func judgePairs(p Policy, m PolicyMetric, g *Metric, base, head *Set) {
	var b, h []*float64
	for series := 1; series <= 2; series++ {
		b, h = halves(base, head, m.ID(), series)
		if series == 1 {
			g.Base, g.Head = typical(b), typical(h)
		}
		if series == 1 && len(h) == 0 && len(head.Turns) > 0 {
			unmeasured(m, g, head)
			return
		}
		s := p.look(m, g.Better, b, h)
		g.Series = append(g.Series, s)
		if s.Verdict != Fail || m.Shown {
			break
		}
	}
	last := g.Series[len(g.Series)-1]
	g.Verdict, g.Cause = last.Verdict, last.Cause
	switch {
	case m.Shown:
		g.Verdict, g.Cause = Shown, ""
	case last.Verdict == Undecided:
		g.SoFar, g.Cause = soFar(g.Better, b, h), ""
	case len(g.Series) == 2 && last.Verdict != Fail:
		g.Verdict, g.Cause = Inconclusive, NotReproduced
		if last.Cause == Spoilt || last.Cause == BaseSilent {
			g.Cause = NotConfirmed
		}
	}
}

// soFar returns what the pairs of a series show that is not finished; nil if there is no ratio.
func soFar(better int, base, head []*float64) *SoFar {
	const confidence = 0.95
	r, ok := stats.PairedBounds(base, head, (1-confidence)/2, (1-confidence)/2)
	if r.Pairs == 0 {
		return nil
	}
	s := &SoFar{Pairs: r.Pairs, Slowdown: slowdown(r.Value, better)}
	if ok {
		s.Lower, s.Upper = bounds(r, better)
	}
	return s
}

// bounds returns the bounds of the slowdown, the lower one first.
func bounds(r stats.PairedRatio, better int) (lower, upper *float64) {
	a, b := slowdown(r.Lower, better), slowdown(r.Upper, better)
	if a > b {
		a, b = b, a
	}
	return &a, &b
}

// typical returns the median of the values that are valid; nil without one, or if frames that never
// came make it infinite.
func typical(values []*float64) *float64 {
	v := stats.MedianValid(values)
	if v == nil || math.IsInf(*v, 0) {
		return nil
	}
	return v
}

// halves returns the values of a metric on both sides, for the pairs of a series that measured it. See
// Turn.value.
func halves(base, head *Set, id string, series int) (b, h []*float64) {
	for i := range head.Turns {
		t := &head.Turns[i]
		if _, asked := t.Values[id]; asked && t.Series == series {
			b, h = append(b, base.Turns[i].value(id)), append(h, t.value(id))
		}
	}
	return b, h
}

// silent reports whether a value, as Turn.value returns it, is that of a device that forwarded nothing.
func silent(v float64) bool { return v == 0 || math.IsInf(v, 1) }

// counted returns a series without a verdict: how many pairs have two valid halves, and in how many a
// side forwarded nothing.
func counted(better int, base, head []*float64) Series {
	s := Series{Verdict: Undecided}
	for i := range head {
		if base[i] == nil || head[i] == nil {
			s.Dropped++
			continue
		}
		s.Pairs++
		b, h := silent(*base[i]), silent(*head[i])
		if better > 0 && !b && !h { // some tunnels let a few frames through before they stop
			b, h = *base[i] < trickle**head[i], *head[i] < trickle**base[i]
		}
		switch {
		case b && h:
			s.Silent.Both++
		case b:
			s.Silent.Base++
		case h:
			s.Silent.Head++
		}
	}
	return s
}

// trickle is the share of the other side's rate below which a rate counts as nothing.
const trickle = 1e-3

// look returns the verdict of the first look that decides, or else of the last look for which there
// are enough pairs. It ignores pairs after that look, because each additional look would need a
// smaller risk.
func (p Policy) look(m PolicyMetric, better int, base, head []*float64) Series {
	s := counted(better, base, head)
	s.Cause = TooFew
	for i, pairs := range p.Looks {
		if len(head) < pairs {
			break
		}
		s = p.lookAt(i, m, better, base[:pairs], head[:pairs])
		if s.Verdict != Undecided {
			return s
		}
	}
	if s.Pairs+s.Dropped == p.Looks[len(p.Looks)-1] {
		s.Verdict = Inconclusive
	}
	return s
}

// lookAt returns the verdict on the pairs of look number i.
func (p Policy) lookAt(i int, m PolicyMetric, better int, base, head []*float64) Series {
	passRisk := p.Risk * p.Shares[i]
	failRisk := passRisk / float64(p.judged())
	s := counted(better, base, head)
	if unusable := s.Dropped + s.Silent.Base + s.Silent.Both; p.tooMany(unusable, len(head)) {
		s.Cause = BaseSilent
		if s.Dropped >= unusable-s.Dropped {
			s.Cause = Spoilt
		}
		if p.tooMany(unusable, p.Looks[len(p.Looks)-1]) { // no later look can use them
			s.Verdict = Inconclusive
		}
		return s
	}
	s.Cause = Noisy
	r, ok := ratio(base, head, better, failRisk, passRisk)
	if !ok {
		return s
	}
	value := slowdown(r.Value, better)
	s.Slowdown = &value
	s.Lower, s.Upper = bounds(r, better)
	chance := stats.SignRisk(s.Silent.Head, s.Silent.Base)
	switch {
	case *s.Lower > p.margin(m.ID()) && value >= float64(m.Limit), chance <= failRisk:
		s.Verdict, s.Cause = Fail, ""
	case chance <= unlikely:
		s.Cause = HeadSilent
	case *s.Upper < float64(m.Limit):
		s.Verdict, s.Cause = Pass, ""
	}
	return s
}

// unlikely is the probability from which on a head does not pass that forwarded nothing more often than
// the base: that of the head doing so twice, and the base never, where both are alike. Once is an accident.
const unlikely = 0.25

// tooMany reports whether more of the pairs were dropped than the policy accepts.
func (p Policy) tooMany(dropped, pairs int) bool {
	return float64(dropped) > float64(p.MostDropped)*float64(pairs)
}

// ratio returns the ratio of head to base. The bound on the slow side has failRisk, the other one
// passRisk.
func ratio(base, head []*float64, better int, failRisk, passRisk float64) (stats.PairedRatio, bool) {
	if better > 0 { // a low ratio is slow, so the upper bound has to show a slowdown
		return stats.PairedBounds(base, head, passRisk, failRisk)
	}
	return stats.PairedBounds(base, head, failRisk, passRisk)
}

// slowdown converts a ratio of head to base into the share by which the head is worse.
func slowdown(ratio float64, better int) float64 { return float64(better) * (1 - ratio) }

// judged returns the number of metrics among which the risk of a false fail is divided.
func (p Policy) judged() (n int) {
	for _, m := range p.Metrics {
		if !m.Shown && !m.Exact {
			n++
		}
	}
	return n
}
