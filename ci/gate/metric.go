package gate

import (
	"fmt"
	"math"
	"slices"
	"strconv"
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
		unmeasured(m, g)
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

func unmeasured(m PolicyMetric, g *Metric) {
	g.Verdict, g.Why = Inconclusive, "was not measured: a policy without it, or --metrics, leaves it out"
	if m.Shown {
		g.Verdict, g.Why = Shown, "was not measured"
	}
}

// judgePairs judges the first series. If its verdict is a failure, the second series has to
// confirm it.
func judgePairs(p Policy, m PolicyMetric, g *Metric, base, head *Set) {
	for series := 1; series <= 2; series++ {
		b, h := halves(base, head, m.ID(), series)
		if series == 1 {
			g.Base, g.Head = stats.MedianValid(b), stats.MedianValid(h)
		}
		if series == 1 && len(h) == 0 && len(head.Turns) > 0 {
			unmeasured(m, g)
			return
		}
		s := p.look(m, g.Better, b, h)
		g.Series = append(g.Series, s)
		if s.Verdict != Fail || m.Shown {
			break
		}
	}
	last := g.Series[len(g.Series)-1]
	switch {
	case m.Shown:
		g.Verdict, g.Why = Shown, words(last)
	case len(g.Series) == 2 && last.Verdict != Fail && last.Verdict != Undecided:
		g.Verdict, g.Why = Inconclusive, fmt.Sprintf("not reproduced: first %s; in a second series %s", words(g.Series[0]), words(last))
	default:
		g.Verdict, g.Why = last.Verdict, p.reason(m, g)
	}
}

// reason explains the verdict on a metric in words.
func (p Policy) reason(m PolicyMetric, g *Metric) string {
	last := g.Series[len(g.Series)-1]
	switch last.Verdict {
	case Fail:
		return words(last) + ", confirmed by a second series; the limit is " + m.Limit.String()
	case Inconclusive:
		if last.Slowdown == nil {
			return words(last) + ": end what runs beside the gate; gate --count needs no quiet machine"
		}
		return fmt.Sprintf("%s; the limit is %v; in %d pairs this machine can show a slowdown of about %.1f %%", words(last), m.Limit, last.Pairs, 100*p.visible(m, last))
	}
	return words(last)
}

// visible estimates the smallest slowdown that a series with this noise and number of pairs can
// show to be above the margin.
func (p Policy) visible(m PolicyMetric, s Series) float64 {
	return p.margin(m.ID()) + *s.Slowdown - *s.Lower
}

// words returns the slowdown of a series and its bounds as text.
func words(s Series) string {
	if s.Slowdown == nil && s.Dropped > 0 {
		return fmt.Sprintf("%d of %d pairs had a half that is not valid", s.Dropped, s.Pairs+s.Dropped)
	}
	if s.Slowdown == nil {
		return fmt.Sprintf("%d pairs, too few to say", s.Pairs)
	}
	return fmt.Sprintf("%s (%s to %s, %d pairs)", percent(*s.Slowdown), percent(*s.Lower), percent(*s.Upper), s.Pairs)
}

// percent formats a slowdown: positive is slower.
func percent(v float64) string {
	text := strconv.FormatFloat(math.Abs(100*v), 'f', 1, 64) + " %"
	switch {
	case text == "0.0 %":
		return "no slower"
	case v < 0:
		return text + " faster"
	}
	return text + " slower"
}

// halves returns the values of a metric on both sides, for the pairs of a series that measured it.
// Invalid values are nil.
func halves(base, head *Set, id string, series int) (b, h []*float64) {
	for i, t := range head.Turns {
		if v, asked := t.Values[id]; asked && t.Series == series {
			b, h = append(b, base.Turns[i].Values[id]), append(h, v)
		}
	}
	return b, h
}

// dropped returns the number of pairs without two valid halves.
func dropped(base, head []*float64) (n int) {
	for i := range head {
		if base[i] == nil || head[i] == nil {
			n++
		}
	}
	return n
}

// look returns the verdict of the first look that decides, or else of the last look for which there
// are enough pairs. It ignores pairs after that look, because each additional look would need a
// smaller risk.
func (p Policy) look(m PolicyMetric, better int, base, head []*float64) Series {
	s := Series{Dropped: dropped(base, head), Verdict: Undecided}
	s.Pairs = len(head) - s.Dropped
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
	r, ok := ratio(base, head, better, failRisk, passRisk)
	s := Series{Pairs: r.Pairs, Dropped: len(head) - r.Pairs, Verdict: Undecided}
	switch {
	case p.tooMany(s.Dropped, len(head)):
		if p.tooMany(s.Dropped, p.Looks[len(p.Looks)-1]) { // no later look can use them
			s.Verdict = Inconclusive
		}
		return s
	case !ok:
		return s
	}
	value, lower, upper := slowdown(r.Value, better), slowdown(r.Lower, better), slowdown(r.Upper, better)
	lower, upper = min(lower, upper), max(lower, upper)
	s.Slowdown, s.Lower, s.Upper = &value, &lower, &upper
	switch {
	case lower > p.margin(m.ID()) && value >= float64(m.Limit):
		s.Verdict = Fail
	case upper < float64(m.Limit):
		s.Verdict = Pass
	}
	return s
}

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
