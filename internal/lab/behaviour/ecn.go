package behaviour

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/checksum"
	"github.com/tunnelbench/tunnelbench/reports/behaviour"
)

// ecn asks what a tunnel does with the ECN field of the inner packet, and with what happened to that of the outer
// header on the way.
var ecn = Test{
	Name: "ecn", Doc: "the ECN field: into the outer header, and a mark from the wan to the inner packet (RFC 6040)", Takes: 2 * time.Second,
	Run: func(ctx context.Context, b *Bench) (behaviour.Finding, error) {
		var seen ecnSeen
		err := b.on(ctx, Layout{}, func(s *Stand) (err error) {
			seen, err = s.askECN(ctx)
			return err
		})
		if err != nil {
			return behaviour.Finding{}, err
		}
		return judgeECN(seen), nil
	},
}

// The values of the ECN field (RFC 3168 section 5).
const (
	notECT = 0
	ect1   = 1
	ect0   = 2
	ce     = 3

	dropped = 4 // in place of a value: the packet did not arrive
)

var ecnNames = [...]string{"Not-ECT", "ECT(1)", "ECT(0)", "CE", "no packet"}

// ecnSeen is what a tunnel did with the field.
type ecnSeen struct {
	bare   bool        // there was no outer header
	outer  [4]uint8    // that left, by the inner value that came
	inner  [4][4]uint8 // that left, by the inner and the outer value that came
	missed bool        // a packet was lost, or not found on the wan, where nothing was changed
}

const protocolTCP = 6

// askECN asks what leaves first and marks packets after it: a carrier with a congestion control of its own may stop to
// use the field once marks come that nobody set (RFC 9000 section 13.4.2).
func (s *Stand) askECN(ctx context.Context) (seen ecnSeen, err error) {
	for inner := range seen.outer {
		_, outer, ok, err := s.One(ctx, ecnProbe(inner))
		switch {
		case err != nil || !ok:
			seen.missed = true
			return seen, err
		case outer.Protocol == protocolTCP:
			return seen, fmt.Errorf("%w: its packets are TCP, whose connection uses the field for itself", errors.ErrUnsupported)
		}
		seen.outer[inner], seen.bare = outer.ECN(), outer.Number != 0
	}
	if _, is := seen.ownMark(); is || seen.bare {
		return seen, nil
	}
	for inner := range seen.inner {
		for mark := range uint8(4) {
			if seen.inner[inner][mark], err = s.askMarked(ctx, ecnProbe(inner), mark); err != nil {
				return seen, err
			}
		}
	}
	return seen, nil
}

// ecnProbe returns a probe with a value of the field.
func ecnProbe(inner int) Probe { return Probe{Length: fieldLength, Class: uint8(inner)} }

// ownMark returns the outer value if it is another one than Not-ECT, whatever the inner one is.
func (seen ecnSeen) ownMark() (mark uint8, is bool) {
	mark = seen.outer[notECT]
	return mark, mark != notECT && seen.outer == [4]uint8{mark, mark, mark, mark}
}

// askMarked sends a probe whose outer header gets an ECN value on the wan, and returns the value of the inner packet
// that arrives.
func (s *Stand) askMarked(ctx context.Context, p Probe, mark uint8) (uint8, error) {
	s.Edit(func(from int, frame []byte) bool {
		if from == left && len(frame) >= ethernetHeader+p.Length {
			setECN(frame[ethernetHeader:], mark)
		}
		return true
	})
	defer s.Edit(nil)
	for range tries {
		h, err := s.Ask(ctx, []Probe{p}, patience)
		if err != nil {
			return 0, err
		}
		if far, ok := h.Arrived(0); ok {
			return far.ECN(), nil
		}
	}
	return dropped, nil
}

const ethernetHeader = 14

// setECN sets the ECN field of an IP packet that has a whole header.
func setECN(packet []byte, mark uint8) { setClass(packet, classOf(packet)&^3|mark) }

// classShift is where the traffic class of an IPv6 packet begins: in the middle of the first two octets.
const classShift = 4

// classOf returns the DS field and the ECN field of an IP packet.
func classOf(packet []byte) uint8 {
	if packet[0]>>4 == 6 {
		return packet[0]<<classShift | packet[1]>>classShift
	}
	return packet[1]
}

// setClass sets the DS field and the ECN field of an IP packet that has a whole header.
func setClass(packet []byte, class uint8) {
	if packet[0]>>4 == 6 {
		packet[0], packet[1] = packet[0]&0xf0|class>>classShift, packet[1]&0x0f|class<<classShift
		return
	}
	packet[1] = class
	sumHeader(packet)
}

// sumHeader makes the header checksum of an IPv4 packet right.
func sumHeader(packet []byte) {
	const at = 10
	header := packet[:4*int(packet[0]&0xf)]
	binary.BigEndian.PutUint16(header[at:], 0)
	binary.BigEndian.PutUint16(header[at:], ^checksum.Fold(checksum.Sum(header, 0)))
}

// What an ingress does, by the inner value (RFC 6040 section 4.1; the last: RFC 3168 section 9.1.1, full functionality).
var ingresses = []struct {
	name  string
	outer [4]uint8
}{
	{"normal", [4]uint8{notECT, ect1, ect0, ce}},
	{"compatibility", [4]uint8{notECT, notECT, notECT, notECT}},
	{"rfc3168", [4]uint8{notECT, ect1, ect0, ect0}},
}

// egress6040 is what an egress makes of the inner and the outer value (RFC 6040 section 4.2, figure 4).
var egress6040 = [4][4]uint8{
	notECT: {notECT, notECT, notECT, dropped},
	ect1:   {ect1, ect1, ect1, ce},
	ect0:   {ect0, ect1, ect0, ce},
	ce:     {ce, ce, ce, ce},
}

// egressIgnores is what an egress makes of them that does not look at the outer one.
var egressIgnores = [4][4]uint8{
	notECT: {notECT, notECT, notECT, notECT},
	ect1:   {ect1, ect1, ect1, ect1},
	ect0:   {ect0, ect0, ect0, ect0},
	ce:     {ce, ce, ce, ce},
}

const (
	other = "other"
	own   = "own"
)

// judgeECN judges by the tables of RFC 6040. An ingress in compatibility mode lets no router mark, so that its egress
// may ignore the outer header.
func judgeECN(seen ecnSeen) (f behaviour.Finding) {
	switch {
	case seen.missed:
		f.Verdict, f.Why = behaviour.NotMeasured, "a packet did not arrive, or was not found on the wan"
		return f
	case seen.bare:
		f.Verdict = behaviour.None
		f.Note("ingress", bare)
		return f
	}
	if mark, is := seen.ownMark(); is {
		f.Verdict, f.Why = behaviour.None, "the outer field is "+ecnNames[mark]+" whatever the inner one is: the carrier, such as QUIC, uses it for its own congestion control"
		f.Note("ingress", own)
		return f
	}
	ingress, egress := other, other
	for _, known := range ingresses {
		if known.outer == seen.outer {
			ingress = known.name
		}
	}
	switch seen.inner {
	case egress6040:
		egress = "rfc6040"
	case egressIgnores:
		egress = "ignores"
	}
	f.Note("ingress", ingress)
	f.Note("egress", egress)
	f.Note("mark", map[bool]string{true: "carried", false: "lost"}[seen.inner[ect0][ce] == ce])
	f.Note("mark-on-not-ect", map[bool]string{true: "dropped", false: "passed"}[seen.inner[notECT][ce] == dropped])
	f.Verdict, f.Rule = behaviour.Pass, "RFC 6040 section 4"
	if ingress != "normal" && ingress != "compatibility" {
		f.Verdict = behaviour.Fail
		f.Why = wrongOuter(seen.outer)
	} else if egress == other || egress == "ignores" && ingress == "normal" {
		f.Verdict = behaviour.Fail
		f.Why = wrongInner(seen.inner)
	}
	return f
}

// wrongOuter says where an ingress departs from the normal mode.
func wrongOuter(outer [4]uint8) string {
	for inner, got := range outer {
		if int(got) != inner {
			return fmt.Sprintf("an inner %s leaves with an outer %s, and so for neither mode", ecnNames[inner], ecnNames[got])
		}
	}
	return ""
}

// wrongInner says where an egress departs from the table, first for marks.
func wrongInner(got [4][4]uint8) string {
	for _, outer := range []int{ce, notECT, ect0, ect1} {
		for inner, want := range egress6040 {
			if g := got[inner][outer]; g != want[outer] {
				return fmt.Sprintf("an inner %s below an outer %s becomes %s, not %s", ecnNames[inner], ecnNames[outer], ecnNames[g], ecnNames[want[outer]])
			}
		}
	}
	return ""
}
