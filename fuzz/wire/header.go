package wire

import (
	"bytes"
	"encoding/binary"

	"github.com/tunnelbench/tunnelbench/fuzz/oracle"
	"github.com/tunnelbench/tunnelbench/reference"
)

// Header attacks the tunnel's decoder with a datagram: as it is, and mended,
// since no engine guesses a CRC-32C.
func Header(data []byte) int {
	accepted := parseDatagram(data)
	if len(data) < reference.HeaderLen || len(data) > reference.HeaderLen+1<<16-1 {
		return accepted
	}
	mended := oracle.Exact(data)
	tunnel, sequence := binary.BigEndian.Uint32(data), binary.BigEndian.Uint64(data[4:])
	reference.Seal(mended, tunnel, sequence)
	if oracle.Sampled(data, costly) {
		oracle.Allocates(0, func() {
			open(data)
			reference.Seal(mended, tunnel, sequence)
			open(mended)
		})
		oracle.Takes(oracle.Budget(len(data)), func() { open(mended) })
	}
	if parseDatagram(mended) == 0 {
		oracle.Fail(oracle.RoundTrip, "Parse refuses what Seal has made: % x", mended)
	}
	bit := sequence % uint64(8*len(mended))
	mended[bit/8] ^= 1 << (bit % 8) // CRC-32C finds it wherever it is
	if parseDatagram(mended) != 0 {
		oracle.Fail(oracle.Agreement, "bit %d was flipped and Parse accepts: % x", bit, mended)
	}
	return accepted
}

// costly is how many inputs there are to one of which costly oracles are asked.
const costly = 64

func open(datagram []byte) {
	h, _, _ := reference.Parse(datagram)
	reference.Open(datagram, h.Tunnel)
	reference.Open(datagram, h.Tunnel+1)
}

// parseDatagram holds Parse and Open to what they promise for one datagram.
func parseDatagram(data []byte) int {
	datagram := oracle.Exact(data)
	h, payload, drop := reference.Parse(datagram)
	oracle.Untouched(datagram, data)
	openAgrees(datagram, h, drop)
	oracle.Untouched(datagram, data)
	oracle.Agree("Parse", drop, slowParse(data))
	if drop != reference.DropNone {
		if payload != nil {
			oracle.Fail(oracle.Agreement, "a datagram dropped as %v has a payload of %d octets", drop, len(payload))
		}
		return 0
	}
	again := append(make([]byte, reference.HeaderLen), payload...)
	reference.Seal(again, h.Tunnel, h.Sequence)
	if !bytes.Equal(again, data) || int(h.Length) != len(payload) {
		oracle.Fail(oracle.RoundTrip, "%+v encodes to\n% x, was\n% x", h, again, data)
	}
	return 1
}

// openAgrees compares Open with Parse: it may only be stricter, and only where
// it says so.
func openAgrees(datagram []byte, h reference.Header, parsed reference.Drop) {
	_, payload, opened := reference.Open(datagram, h.Tunnel)
	want := parsed
	if parsed == reference.DropNone && !slowIsIP(datagram[reference.HeaderLen:]) {
		want = reference.DropInner
	}
	oracle.Agree("Open", opened, want)
	if (opened == reference.DropNone) != (payload != nil) {
		oracle.Fail(oracle.Agreement, "a datagram dropped as %v has a payload of %d octets", opened, len(payload))
	}
	_, _, other := reference.Open(datagram, h.Tunnel+1)
	if read := parsed == reference.DropNone || parsed == reference.DropChecksum; read {
		oracle.Agree("Open for another tunnel", other, reference.DropTunnel)
	}
}
