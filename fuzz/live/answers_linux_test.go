package live

import (
	"context"
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/tunnelbench/tunnelbench/fuzz/live/mutate"
	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
)

// addressed returns an Ethernet frame with a UDP datagram, or with ICMP, to an address.
func addressed(to netip.Addr, icmp bool, message []byte) []byte {
	frame := datagramFrame(to.Is6(), message)
	protocol, next, at := ethernetLen+9, byte(17), ethernetLen+16
	if to.Is6() {
		protocol, at = ethernetLen+6, ethernetLen+24
	}
	copy(frame[at:], to.AsSlice())
	if frame[protocol] = next; icmp {
		frame[protocol] = map[bool]byte{false: 1, true: 58}[to.Is6()]
	}
	binary.BigEndian.PutUint16(frame[len(frame)-len(message)-udpLen+4:], uint16(udpLen+len(message)))
	return frame
}

// Of what goes to the unknown source the program in the kernel tells cookie replies, ICMP and the rest.
func TestAnswersAreToldApart(t *testing.T) {
	testenv.NetAdmin(t)
	message := func(kind byte, n int) []byte { return append([]byte{kind, 0, 0, 0}, make([]byte, n-4)...) }
	for _, ipv6 := range []bool{false, true} {
		unknown, other := unknownFor(ipv6), netip.MustParseAddr("192.0.2.77")
		if ipv6 {
			other = netip.MustParseAddr("2001:db8::77")
		}
		for _, c := range []struct {
			name  string
			frame []byte
			want  func(*answerCount) *Traffic // nil: it is not counted
		}{
			{"a cookie reply", addressed(unknown, false, message(3, 64)), func(c *answerCount) *Traffic { return &c.cookies }},
			{"a response", addressed(unknown, false, message(2, 92)), func(c *answerCount) *Traffic { return &c.other }},
			{"another message of its length", addressed(unknown, false, message(4, 64)), func(c *answerCount) *Traffic { return &c.other }},
			{"another length", addressed(unknown, false, message(3, 65)), func(c *answerCount) *Traffic { return &c.other }},
			{"reserved bytes", addressed(unknown, false, append([]byte{3, 0, 0, 1}, make([]byte, 60)...)), func(c *answerCount) *Traffic { return &c.other }},
			{"nothing", addressed(unknown, false, nil), func(c *answerCount) *Traffic { return &c.other }},
			{"ICMP", addressed(unknown, true, message(3, 64)), func(c *answerCount) *Traffic { return &c.icmp }},
			{"to another address", addressed(other, false, message(3, 64)), nil},
		} {
			a := &answers{}
			if err := a.load(unknown); err != nil {
				t.Fatal(err)
			}
			if _, _, err := a.objects.Answers.Test(c.frame); err != nil {
				t.Fatal(err)
			}
			got, err := a.read()
			if err != nil {
				t.Fatal(err)
			}
			var want answerCount
			if c.want != nil {
				*c.want(&want) = Traffic{Frames: 1, Bytes: uint64(len(c.frame))}
			}
			if got != want {
				t.Errorf("ipv6 %v, %s: %+v, want %+v", ipv6, c.name, got, want)
			}
			if err := a.close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// A tunnel that answers strangers as WireGuard may is within the rules; one that answers as shortly, but otherwise, is
// not.
func TestAnswersOnLab(t *testing.T) {
	for fault, wrong := range map[string]bool{faultCookie: false, faultResponse: true} {
		t.Run(fault, func(t *testing.T) {
			d, plan := labDevice(t, fault), shortPlan()
			d.Protocol = mutate.WireGuard.String()
			plan.Senders, plan.Kind = []Sender{Unknown}, mutate.WireGuardForged
			r, err := Attack(context.Background(), OnLab(openLab(t), labSettings(lab.EngineXDP)), d, plan, Observer{})
			if err != nil {
				t.Fatal(err)
			}
			found := false
			for _, f := range r.Findings {
				found = found || f.Kind == FindAnswer
			}
			if found != wrong || r.Answers.Frames == 0 || (r.Cookies == r.Answers) == wrong {
				t.Errorf("findings %+v; answers %+v, cookie replies %+v", r.Findings, r.Answers, r.Cookies)
			}
		})
	}
}
