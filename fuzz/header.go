package fuzz

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/tunnelbench/tunnelbench/reference"
)

// Header attacks the reference tunnel's decoder with a datagram: as it is, and
// mended, since no engine guesses a CRC-32C.
func Header(data []byte) int {
	accepted := parseDatagram(data)
	mendable := len(data) >= reference.HeaderLen && len(data) <= reference.HeaderLen+1<<16-1
	if !mendable {
		Allocation(0, func() { decode(data) })
		return accepted
	}
	mended := Exact(data)
	tunnel, sequence := binary.BigEndian.Uint32(data), binary.BigEndian.Uint64(data[4:])
	Allocation(0, func() {
		decode(data)
		reference.Seal(mended, tunnel, sequence)
		decode(mended)
	})
	if parseDatagram(mended) == 0 {
		panic(fmt.Sprintf("oracle 5: Parse refuses what Seal has made: % x", mended))
	}
	bit := sequence % uint64(8*len(mended))
	mended[bit/8] ^= 1 << (bit % 8) // CRC-32C finds it wherever it is
	if parseDatagram(mended) != 0 {
		panic(fmt.Sprintf("bit %d was flipped and Parse accepts: % x", bit, mended))
	}
	return accepted
}

func decode(datagram []byte) {
	h, _, _ := reference.Parse(datagram)
	reference.Open(datagram, h.Tunnel)
	reference.Open(datagram, h.Tunnel+1)
}

// parseDatagram holds Parse and Open to what they promise for one datagram.
func parseDatagram(data []byte) int {
	datagram := Exact(data)
	h, payload, drop := reference.Parse(datagram)
	Untouched(datagram, data)
	openAgrees(datagram, h, drop)
	Untouched(datagram, data)
	if drop != reference.DropNone {
		if payload != nil {
			panic(fmt.Sprintf("a datagram dropped as %v has a payload of %d octets", drop, len(payload)))
		}
		return 0
	}
	again := append(make([]byte, reference.HeaderLen), payload...)
	reference.Seal(again, h.Tunnel, h.Sequence)
	if !bytes.Equal(again, data) || int(h.Length) != len(payload) {
		panic(fmt.Sprintf("oracle 5: %+v encodes to\n% x, was\n% x", h, again, data))
	}
	return 1
}

// openAgrees compares Open with Parse: it may only be stricter, and only where
// it says so.
func openAgrees(datagram []byte, h reference.Header, parsed reference.Drop) {
	_, _, opened := reference.Open(datagram, h.Tunnel)
	if opened != parsed && !(parsed == reference.DropNone && opened == reference.DropInner) {
		panic(fmt.Sprintf("Parse says %v, Open says %v", parsed, opened))
	}
	_, _, other := reference.Open(datagram, h.Tunnel+1)
	read := parsed == reference.DropNone || parsed == reference.DropChecksum
	if read && other != reference.DropTunnel {
		panic(fmt.Sprintf("Open says %v to another tunnel's datagram", other))
	}
}
