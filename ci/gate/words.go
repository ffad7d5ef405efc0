package gate

import (
	"fmt"
	"strings"
	"time"
)

// sentence returns the reason of a metric's verdict. Exact metrics have theirs already.
func (m *Metric) sentence(looks []int) string {
	switch m.Cause {
	case Unmeasured:
		return m.unmeasured()
	case Missing:
		return "was not measured: no turn of " + m.lacking() + " has a valid value"
	case SideDied:
		return "was not judged, since a side died"
	}
	if len(m.Series) == 0 {
		return m.Why
	}
	last := m.Series[len(m.Series)-1]
	switch m.Cause {
	case TooFew, Unfinished:
		return m.unfinished(looks)
	case NotReproduced:
		return fmt.Sprintf("not reproduced: first %s; in a second series %s", m.Series[0].words(), last.words())
	case NotConfirmed:
		return fmt.Sprintf("not confirmed: first %s; of a second series too little can be used: %s", m.Series[0].words(), last.words())
	case Spoilt:
		return last.words() + ": end what runs beside the gate; gate --count needs no quiet machine"
	case BaseSilent:
		return last.words() + ": the base is broken, and there is nothing to hold the head against"
	case HeadSilent:
		return last.words() + "; that may be chance, and is too much for a pass"
	case Noisy:
		return fmt.Sprintf("%s; the limit is %v%s", last.words(), Share(m.Limit), m.visible(last))
	}
	if m.Verdict == Fail {
		return fmt.Sprintf("%s, confirmed by a second series; the limit is %v", last.words(), Share(m.Limit))
	}
	return last.words()
}

// unmeasured says why a metric may not have been measured.
func (m *Metric) unmeasured() string {
	if m.ID == binarySize {
		return "was not measured: " + m.lacking() + " has no single binary"
	}
	return "was not measured: the gate's policy or --metrics left it out, or this device or machine does not have it"
}

// lacking names the side that has no value.
func (m *Metric) lacking() string {
	switch {
	case m.Base == nil && m.Head == nil:
		return "either side"
	case m.Base == nil:
		return "the base"
	}
	return "the head"
}

// unfinished says what there is of a metric if the gate ended before its verdict.
func (m *Metric) unfinished(looks []int) string {
	last := m.Series[len(m.Series)-1]
	pairs := last.Pairs + last.Dropped
	parts := []string{fmt.Sprintf("ended too early: %d pairs, and the first look takes %d", pairs, looks[0])}
	if m.Cause == Unfinished {
		parts = []string{fmt.Sprintf("ended too early: not decided at %d pairs, %s", pairs, last.words())}
	} else if last.Dropped > 0 {
		parts = append(parts, fmt.Sprintf("%d of them had a half that is not valid", last.Dropped))
	}
	if len(m.Series) > 1 {
		parts[0] = fmt.Sprintf("first %s; a second series, which would have to confirm it, %s", m.Series[0].words(), parts[0])
	}
	if last.Cause == TooFew && last.Silent != (Silence{}) {
		parts = append(parts, last.Silent.words(last.Pairs))
	}
	if m.SoFar != nil && !last.silenced() {
		parts = append(parts, m.SoFar.words())
	}
	return strings.Join(parts, "; ")
}

// words returns what the pairs of an unfinished series show.
func (s *SoFar) words() string {
	if s.Lower == nil {
		return fmt.Sprintf("so far %s, in too few pairs for an interval", percent(s.Slowdown))
	}
	return fmt.Sprintf("so far %s, most likely from %s to %s (95 %%, %d pairs)", percent(s.Slowdown), percent(*s.Lower), percent(*s.Upper), s.Pairs)
}

// visible says the smallest slowdown that a series with this noise and number of pairs can show to be
// above the margin.
func (m *Metric) visible(s Series) string {
	if s.Slowdown == nil {
		return ""
	}
	return fmt.Sprintf("; in %d pairs this machine can show a slowdown of about %.1f %%", s.Pairs, 100*(m.Margin+*s.Slowdown-*s.Lower))
}

// words returns what the look at a series shows.
func (s Series) words() string {
	var parts []string
	if s.Cause == Spoilt || s.Cause == Noisy && s.Slowdown == nil {
		parts = append(parts, fmt.Sprintf("%d of %d pairs had a half that is not valid", s.Dropped, s.Pairs+s.Dropped))
	}
	if s.Silent != (Silence{}) {
		parts = append(parts, s.Silent.words(s.Pairs))
	}
	if s.Slowdown != nil && !s.silenced() {
		parts = append(parts, fmt.Sprintf("%s (%s to %s, %d pairs)", percent(*s.Slowdown), percent(*s.Lower), percent(*s.Upper), s.Pairs))
	}
	if len(parts) == 0 {
		return fmt.Sprintf("%d pairs, too few to say", s.Pairs)
	}
	return strings.Join(parts, "; ")
}

// silenced reports whether a side forwarded nothing in all pairs: a ratio has nothing to add.
func (s Series) silenced() bool {
	return s.Silent.Head+s.Silent.Both == s.Pairs || s.Silent.Base+s.Silent.Both == s.Pairs
}

// words says in how many of the pairs which side forwarded nothing.
func (s Silence) words(pairs int) string {
	in := func(who, what string, n int) string {
		return fmt.Sprintf("%s forwarded %s in %d of %d pairs", who, what, n, pairs)
	}
	none := func(who string) string { return ", " + who + " in none" }
	switch {
	case s.Both > 0 && s.Base+s.Head == 0:
		return in("neither side", "anything", s.Both)
	case s.Base+s.Both == 0:
		return in("the head", "nothing", s.Head) + none("the base")
	case s.Head+s.Both == 0:
		return in("the base", "nothing", s.Base) + none("the head")
	}
	return in("the base", "nothing", s.Base+s.Both) + fmt.Sprintf(", the head in %d", s.Head+s.Both)
}

// Mend says what would bring a gate without a verdict to one; it is empty if there is a verdict, or the
// reason says it all.
func (g *Report) Mend() string {
	if g.Verdict != Inconclusive || len(g.Metrics) == 0 {
		return ""
	}
	const quiet = "on a quieter machine fewer pairs decide; gate --count needs no quiet machine"
	lost := g.mostLost()
	switch {
	case g.Ended != nil && lost > 0:
		return fmt.Sprintf("%s. More time alone hardly helps: %.0f %% of the pairs had a half that is not valid. End what runs beside the gate; gate --count needs no quiet machine", g.Ended.words(), 100*lost)
	case g.Ended != nil:
		return g.Ended.words() + "; " + quiet
	}
	for i := range g.Metrics {
		switch g.Metrics[i].Cause {
		case Noisy:
			return "more time changes nothing: " + quiet
		case NotReproduced:
			return "the two series differ, so something changed between them: run the gate again; " + quiet
		case HeadSilent:
			return "run the gate again: a head that does it again is worse than the base"
		}
	}
	return ""
}

// mostLost returns the largest share of pairs of any metric that had a half that is not valid; 0 if it is
// no more than the share that usual policies accept.
func (g *Report) mostLost() (share float64) {
	const usual = 0.2
	for i := range g.Metrics {
		if m := &g.Metrics[i]; m.Verdict == Inconclusive && len(m.Series) > 0 {
			last := m.Series[len(m.Series)-1]
			share = max(share, float64(last.Dropped)/float64(max(1, last.Pairs+last.Dropped)))
		}
	}
	if share <= usual {
		return 0
	}
	return share
}

// words says how far the gate came, and which time it needs.
func (e *Ended) words() string {
	come := fmt.Sprintf("the gate ended after %d pairs", e.Pairs)
	if e.Series > 1 {
		come += " of the second series"
	}
	looks := fmt.Sprintf("; the next look takes %d", e.Next)
	if e.Last > e.Next {
		looks += fmt.Sprintf(", the last %d", e.Last)
	}
	switch {
	case e.Time == 0:
		return come + looks + ": let it run to its end"
	case e.Pair == 0:
		return fmt.Sprintf("the time, --time %v, was over before the first pair: give it more", e.Time)
	}
	needed := func(pairs int) time.Duration {
		return (e.Time + time.Duration(pairs-e.Pairs)*e.Pair + time.Minute).Truncate(time.Minute)
	}
	text := fmt.Sprintf("%s of %v, as its time, --time %v, was over%s: give it about --time %v", come, e.Pair.Round(100*time.Millisecond), e.Time, looks, short(needed(e.Next)))
	if e.Last > e.Next {
		text += fmt.Sprintf(", or %v", short(needed(e.Last)))
	}
	return text
}

// short formats whole minutes.
func short(d time.Duration) string { return strings.TrimSuffix(d.String(), "0s") }

// percent formats a slowdown: positive is slower.
func percent(v float64) string {
	direction := " slower"
	if v < 0 {
		v, direction = -v, " faster"
	}
	text := fmt.Sprintf("%.1f %%", 100*v)
	switch {
	case text == "0.0 %":
		return "no slower"
	case v >= manyTimes:
		return fmt.Sprintf("%.0f times", v) + direction
	}
	return text + direction
}

// manyTimes is the slowdown from which on it is written in times, not in per cent.
const manyTimes = 10
