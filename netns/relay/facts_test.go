package relay

import (
	"testing"

	"github.com/tunnelbench/tunnelbench/loadgen/signature"
)

// testFrame returns a frame with the header fields that the relay reads, and a signature.
func testFrame(ipv6 bool, length int) []byte {
	frame := make([]byte, length)
	at := signature4
	frame[12], frame[13], frame[14], frame[23] = 0x08, 0x00, 0x45, 17
	if ipv6 {
		at = signature6
		frame[12], frame[13], frame[14], frame[20] = 0x86, 0xdd, 0x60, 17
	}
	signature.Signature{Trial: 7, Sequence: 41, SentAt: 1 << 40}.Put(frame[at:])
	return frame
}

func TestFacts(t *testing.T) {
	for _, c := range []struct {
		name   string
		frame  []byte
		signed bool
	}{
		{"IPv4", testFrame(false, 60), true},
		{"IPv4, long", testFrame(false, 1514), true},
		{"IPv6", testFrame(true, 80), true},
		{"IPv4 cut", testFrame(false, 60)[:59], false},
		{"IPv6 cut", testFrame(true, 80)[:79], false},
		{"IPv6 cut before the signature", testFrame(true, 80)[:50], false},
		{"ARP", make([]byte, 42), false},
		{"nothing", nil, false},
	} {
		f := factsOf(c.frame, len(c.frame))
		if f.signed != c.signed || f.length != len(c.frame)+4 || f.signed && (f.trial != 7 || f.sequence != 41) {
			t.Errorf("%s: %+v", c.name, f)
		}
	}
	for at, b := range map[int]byte{12: 0x81, 14: 0x46, 23: 6, 60 - 1: 1} {
		frame := testFrame(false, 60)
		frame[at] = b
		if f := factsOf(frame, 60); f.signed {
			t.Errorf("byte %d is %#x: %+v", at, b, f)
		}
	}
}

// The smallest frames end with the signature. Corruption inverts the last byte of the send time,
// and the check byte of the signature must detect this.
func TestCorruptedFramesAreSeen(t *testing.T) {
	for _, frame := range [][]byte{testFrame(false, 60), testFrame(true, 80)} {
		alter(frame, decision{corrupt: true})
		at := signatureAt(frame)
		if _, err := signature.Parse(frame[at:]); err != signature.ErrDamaged {
			t.Errorf("%d bytes: %v", len(frame), err)
		}
	}
}
