//go:build ignore

package main

import (
	"encoding/binary"
	"hash/crc32"
)

// A datagram is a header, big-endian, and one IP packet. The checksum is CRC-32C over the header, with the
// checksum field zero, and the packet.
//
//	0        4                 12         16       18
//	+--------+-----------------+----------+--------+----------------+
//	| tunnel | sequence number | checksum | length | packet         |
//	| u32    | u64             | u32      | u16    |                |
//	+--------+-----------------+----------+--------+----------------+
const (
	offSequence = 4
	offChecksum = 12
	offLength   = 16
	headerLen   = 18

	tunnelID = 1
	minIPv4  = 20
	minIPv6  = 40
)

// verdict is what becomes of a datagram. The order is that of the checks.
type verdict int

const (
	accepted verdict = iota
	oversize
	short
	length
	tunnel
	checksum
	inner
	replay
	old
)

var verdictNames = [...]string{"accepted", "oversize", "short", "length", "tunnel", "checksum", "inner", "replay", "old"}

func (v verdict) String() string { return verdictNames[v] }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// seal writes the header in front of a packet: datagram has headerLen bytes of room, then the packet.
func seal(datagram []byte, sequence uint64) {
	binary.BigEndian.PutUint32(datagram, tunnelID)
	binary.BigEndian.PutUint64(datagram[offSequence:], sequence)
	binary.BigEndian.PutUint32(datagram[offChecksum:], 0)
	binary.BigEndian.PutUint16(datagram[offLength:], uint16(len(datagram)-headerLen))
	binary.BigEndian.PutUint32(datagram[offChecksum:], crc32.Checksum(datagram, castagnoli))
}

// open checks a datagram of the peer. The packet of an accepted one begins at headerLen.
func open(w *window, datagram []byte, mtu int) verdict {
	switch {
	case len(datagram) > headerLen+mtu:
		return oversize
	case len(datagram) < headerLen:
		return short
	case int(binary.BigEndian.Uint16(datagram[offLength:])) != len(datagram)-headerLen:
		return length
	case binary.BigEndian.Uint32(datagram) != tunnelID:
		return tunnel
	case !checksumHolds(datagram):
		return checksum
	case !isIP(datagram[headerLen:]):
		return inner
	}
	return w.accept(binary.BigEndian.Uint64(datagram[offSequence:])) // only a sound datagram may move the window
}

// checksumHolds reports whether the checksum is right. The field is zero while it is computed.
func checksumHolds(datagram []byte) bool {
	field := datagram[offChecksum:offLength]
	want := binary.BigEndian.Uint32(field)
	binary.BigEndian.PutUint32(field, 0)
	got := crc32.Checksum(datagram, castagnoli)
	binary.BigEndian.PutUint32(field, want)
	return got == want
}

func isIP(packet []byte) bool {
	if len(packet) < minIPv4 {
		return false
	}
	switch packet[0] >> 4 {
	case 4:
		return true
	case 6:
		return len(packet) >= minIPv6
	}
	return false
}
