package behaviour

import (
	"context"
	"time"

	"github.com/tunnelbench/tunnelbench/reports/behaviour"
)

// dscp asks whether the DS field of the inner packet reaches the outer header, and whether it survives the tunnel.
var dscp = Test{
	Name: "dscp", Doc: "the DSCP of the inner packet: in the outer header, and behind the tunnel (RFC 2983)", Takes: 2 * time.Second,
	Run: func(ctx context.Context, b *Bench) (behaviour.Finding, error) {
		var seen []carried
		err := b.on(ctx, Layout{}, func(s *Stand) (err error) {
			seen, err = s.askDSCP(ctx)
			return err
		})
		if err != nil {
			return behaviour.Finding{}, err
		}
		return judgeDSCP(seen), nil
	},
}

// codePoints are those that are asked: best effort, lower effort (RFC 8622), AF11, AF41 (RFC 2597), EF (RFC 3246) and CS6.
var codePoints = []uint8{0, 1, 10, 34, 46, 48}

// fieldLength is the length of probes that ask for fields of the header: longer than what a tunnel says of itself.
const fieldLength = 700

// carried is a field of a packet before, in and behind the tunnel.
type carried struct {
	sent, outer, far uint8
	lost             bool // it did not arrive: far says nothing
	bare             bool // there was no outer header: the packet itself passed the wan
}

func (s *Stand) askDSCP(ctx context.Context) (seen []carried, err error) {
	for _, point := range codePoints {
		far, outer, ok, err := s.One(ctx, Probe{Length: fieldLength, Class: point << 2})
		if err != nil {
			return nil, err
		}
		seen = append(seen, carried{sent: point, outer: outer.DSCP(), far: far.DSCP(), lost: !ok, bare: outer.Number != 0})
	}
	return seen, nil
}

// The words for what becomes of a field.
const (
	copied  = "copied"  // each value is there
	zero    = "zero"    // it is always zero
	set     = "set"     // it is always the same, and not zero
	changed = "changed" // it is something else
	bare    = "no outer header"
)

// fate returns the word for what became of a field.
func fate(seen []carried, of func(carried) uint8) string {
	same, constant := true, true
	for _, c := range seen {
		same = same && of(c) == c.sent
		constant = constant && of(c) == of(seen[0])
	}
	switch {
	case same:
		return copied
	case constant && of(seen[0]) == 0:
		return zero
	case constant:
		return set
	}
	return changed
}

// judgeDSCP finds what became of the code points. No document says what a tunnel has to do (RFC 2983 section 3 has
// both models).
func judgeDSCP(seen []carried) (f behaviour.Finding) {
	f.Verdict = behaviour.None
	for _, c := range seen {
		if c.lost {
			f.Verdict, f.Why = behaviour.NotMeasured, "a packet with a DSCP did not arrive"
			return f
		}
	}
	if len(seen) == 0 {
		return f
	}
	outer := fate(seen, func(c carried) uint8 { return c.outer })
	if seen[0].bare {
		outer = bare
	}
	f.Note("outer", outer)
	f.Note("inner", fate(seen, func(c carried) uint8 { return c.far }))
	return f
}
