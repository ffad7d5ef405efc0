package wire

import (
	"bytes"
	"encoding/binary"

	"github.com/tunnelbench/tunnelbench/fuzz/oracle"
	tunnelwire "github.com/tunnelbench/tunnelbench/reference/wire"
)

// Header attacks the decoder of the tunnel header with a datagram, first unchanged, then with a
// corrected length and CRC-32C: no engine guesses a CRC-32C.
func Header(data []byte) int {
	accepted := parseDatagram(data)
	if len(data) < tunnelwire.HeaderLen || len(data) > tunnelwire.HeaderLen+1<<16-1 {
		return accepted
	}
	corrected := oracle.Exact(data)
	tunnel, sequence := binary.BigEndian.Uint32(data), binary.BigEndian.Uint64(data[4:])
	tunnelwire.PutHeader(corrected, tunnel, sequence)
	if oracle.Sampled(data, Costly) {
		oracle.Allocates(0, func() {
			_, _, _ = tunnelwire.ParseDatagram(data)
			tunnelwire.PutHeader(corrected, tunnel, sequence)
			_, _, _ = tunnelwire.ParseDatagram(corrected)
		})
		oracle.Takes(oracle.Budget(len(data)), func() { _, _, _ = tunnelwire.ParseDatagram(corrected) })
	}
	if parseDatagram(corrected) == 0 {
		oracle.Fail(oracle.RoundTrip, "ParseDatagram refuses the output of PutHeader: % x", corrected)
	}
	bit := sequence % uint64(8*len(corrected))
	corrected[bit/8] ^= 1 << (bit % 8) // CRC-32C detects every single-bit error
	if parseDatagram(corrected) != 0 {
		oracle.Fail(oracle.Agreement, "bit %d was flipped, but ParseDatagram accepts % x", bit, corrected)
	}
	return accepted
}

// Costly is the sampling rate of costly oracles: they check one input in 64.
const Costly = 64

// parseDatagram checks what ParseDatagram documents for one datagram.
func parseDatagram(data []byte) int {
	datagram := oracle.Exact(data)
	h, payload, err := tunnelwire.ParseDatagram(datagram)
	oracle.Untouched(datagram, data)
	oracle.Agree("ParseDatagram", err, slowParse(data))
	if err != nil {
		if payload != nil {
			oracle.Fail(oracle.Agreement, "a refused datagram (%v) has a payload of %d bytes", err, len(payload))
		}
		return 0
	}
	again := append(make([]byte, tunnelwire.HeaderLen), payload...)
	tunnelwire.PutHeader(again, h.Tunnel, h.Sequence)
	if !bytes.Equal(again, data) || int(h.Length) != len(payload) {
		oracle.Fail(oracle.RoundTrip, "%+v encodes to\n% x, was\n% x", h, again, data)
	}
	return 1
}
