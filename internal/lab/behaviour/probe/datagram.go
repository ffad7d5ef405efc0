package probe

import (
	"encoding/binary"
	"math/rand/v2"
)

// Every datagram begins with the number of its stream and its own number.
//
//	0        8        12
//	+--------+--------+------------
//	| stream | number | zeros
//	+--------+--------+------------
const (
	numberAt    = 8
	headerLen   = 12
	payloadLen  = 64
	ethernetLen = 14
	ipv4Len     = 20
	ipv6Len     = 40
	udpLen      = 8
	etherIPv6   = 0x86dd
)

// Port is the UDP port of both hosts.
const Port = 7017

// newID returns a number that no other stream has.
func newID() uint64 { return rand.Uint64() }

func putDatagram(b []byte, stream uint64, number uint32) {
	binary.BigEndian.PutUint64(b, stream)
	binary.BigEndian.PutUint32(b[numberAt:], number)
}

// numberOf returns the number of a datagram of a stream in an Ethernet frame. ok is false for other frames.
func numberOf(frame []byte, stream uint64) (number uint32, ok bool) {
	at := ethernetLen + ipv4Len + udpLen
	if len(frame) > ethernetLen && binary.BigEndian.Uint16(frame[ethernetLen-2:]) == etherIPv6 {
		at = ethernetLen + ipv6Len + udpLen
	}
	if len(frame) < at+headerLen || binary.BigEndian.Uint64(frame[at:]) != stream {
		return 0, false
	}
	return binary.BigEndian.Uint32(frame[at+numberAt:]), true
}
