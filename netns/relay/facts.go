package relay

import (
	"encoding/binary"

	"github.com/tunnelbench/tunnelbench/loadgen/signature"
)

// Offset of the tester's signature in a frame: after the headers of Ethernet, IP and UDP. The IP
// header has no options.
const (
	signature4 = 14 + 20 + 8
	signature6 = 14 + 40 + 8
	fcs        = 4
)

// factsOf reads the header fields of a frame. length is the length of the frame on the wire in
// bytes, without FCS.
func factsOf(frame []byte, length int) facts {
	f := facts{length: length + fcs}
	at := signatureAt(frame)
	if at == 0 || len(frame) < at {
		return f
	}
	s, err := signature.Parse(frame[at:])
	if err != nil {
		return f
	}
	f.signed, f.trial, f.sequence = true, s.Trial, s.Sequence
	return f
}

// signatureAt returns the offset at which a frame could have a signature, or 0 if the frame is
// not UDP over IPv4 or IPv6.
func signatureAt(frame []byte) int {
	const (
		etherType, ipv4, ipv6  = 12, 0x0800, 0x86dd
		plainHeader            = 0x45 // version 4, no options
		protocol4, nextHeader6 = 14 + 9, 14 + 6
		udp                    = 17
	)
	if len(frame) < signature4 {
		return 0
	}
	switch binary.BigEndian.Uint16(frame[etherType:]) {
	case ipv4:
		if frame[14] == plainHeader && frame[protocol4] == udp {
			return signature4
		}
	case ipv6:
		if frame[nextHeader6] == udp {
			return signature6
		}
	}
	return 0
}
