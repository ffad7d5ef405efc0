package behaviour

// outcome is what became of a single probe.
type outcome struct {
	how fateOf
	mtu int // that an ICMP error names; 0: none
}

// fateOf is the word for what became of a probe.
type fateOf string

// What may become of a probe.
const (
	whole          fateOf = "passes"          // as it was sent, the outer packet too
	outerFragments fateOf = "outer-fragments" // it arrives whole, and passed the wan in several packets
	innerFragments fateOf = "inner-fragments" // it arrives in fragments
	tooBig         fateOf = "too-big"         // ICMP says that it is
	tooOld         fateOf = "time-exceeded"   // ICMP says that it has expired
	refused        fateOf = "other-error"     // another ICMP error came
	noAnswer       fateOf = "silence"
)

// outcome returns what became of the one probe that was asked for.
func (h *Heard) outcome() outcome {
	if _, ok := h.Arrived(0); ok {
		for _, w := range h.Wan {
			if w.Fragment() {
				return outcome{how: outerFragments}
			}
		}
		return outcome{how: whole}
	}
	for _, p := range h.Near {
		if p.Error == nil {
			continue
		}
		switch p.Error.Kind {
		case TooBig:
			return outcome{tooBig, p.Error.MTU}
		case TimeExceeded:
			return outcome{how: tooOld}
		}
		return outcome{how: refused}
	}
	first, last := false, false
	for _, p := range h.Far {
		if p.Fragment() && p.ID == uint16(h.First) {
			first, last = first || p.Offset == 0, last || !p.MF
		}
	}
	if first && last {
		return outcome{how: innerFragments}
	}
	return outcome{how: noAnswer}
}
