package sealed

import (
	"bytes"
	"encoding/binary"
	"math/big"
	"net/netip"

	"github.com/tunnelbench/tunnelbench/fuzz/oracle"
	"github.com/tunnelbench/tunnelbench/reference/stats"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// innerPrefixes are those of two peers: the second one's lie within the first one's, and behind them.
var innerPrefixes = [][]netip.Prefix{
	{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")},
	{netip.MustParsePrefix("10.7.0.0/16"), netip.MustParsePrefix("2001:db8:7::/48"), netip.MustParsePrefix("10.7.7.7/32")},
}

var innerEnd *tunnelEnd

// The ways in which the harness spoils a message after it was sealed, or brings it.
const (
	spoilNothing = iota
	spoilTag
	spoilIndex
	spoilPort
	spoilLength
	spoilCounter
	spoilAgain // it comes twice, as a row
	numSpoils
)

// Inner attacks an end with what an authentic peer may seal: any plaintext. The first byte says which peer seals it, and
// what becomes of the message on the way.
func Inner(data []byte) int {
	if len(data) < 1 || len(data) > mtu+64 {
		return 0
	}
	if innerEnd == nil {
		waiting := ipPacket(netip.MustParseAddr("203.0.113.7"), netip.MustParseAddr("10.1.2.3"))
		innerEnd = newTunnelEnd(innerPrefixes, waiting, waiting)
	}
	t, from, plaintext := innerEnd, int(data[0]&1), data[1:]
	innerEnd = nil // until the input is found to have done no harm
	message := t.sealed(from, plaintext)
	packet, drop := verdict(from, plaintext)
	at, spoil, segment := peerAt(from), int(data[0]>>1)%numSpoils, 0
	if spoil == spoilPort {
		packet, drop, at = nil, stats.DropPeer, netip.AddrPortFrom(at.Addr(), 0)
	} else if spoil != spoilNothing && len(plaintext) <= mtu+wireguard.Pad {
		packet, drop, message, segment = t.spoiled(spoil, packet, drop, message)
	}
	t.forget()
	before := t.end.Stats().Decap
	t.end.Decap(at, message, segment)
	t.check(before, t.end.Stats().Decap, drop, packet)
	innerEnd = t
	return min(1, len(packet))
}

// spoiled spoils a message, and returns what must become of it.
func (t *tunnelEnd) spoiled(how int, packet []byte, drop stats.Drop, message []byte) ([]byte, stats.Drop, []byte, int) {
	switch how {
	case spoilTag:
		message[len(message)-1] ^= 0x80
		return nil, stats.DropSeal, message, 0
	case spoilIndex:
		message[4] ^= 1
		return nil, stats.DropSession, message, 0
	case spoilLength:
		return nil, stats.DropShort, message[:wireguard.MinDataLen-1], 0
	case spoilCounter: // of the last 2^13, whoever sealed it
		binary.LittleEndian.PutUint64(message[8:], limit)
		return nil, stats.DropSession, message, 0
	}
	size := len(message)
	return packet, drop, append(message, message...), size
}

// check compares what became of a message, once or again as a replay, with what must.
func (t *tunnelEnd) check(before, after stats.Direction, drop stats.Drop, packet []byte) {
	came := after.Received - before.Received
	if len(t.sent) > 0 {
		oracle.Fail(oracle.Amplification, "%d messages in response to one", len(t.sent))
	}
	if again := after.Drops[stats.DropReplay] - before.Drops[stats.DropReplay]; again != came-1 {
		oracle.Fail(oracle.Counted, "of %d equal messages %d are replays", came, again)
	}
	if drop != stats.DropNone && after.Drops[drop] != before.Drops[drop]+1 {
		oracle.Fail(oracle.Counted, "want one more drop %v: %v, then %v", drop, before, after)
	}
	if after.Delivered+after.Control+after.Drops.Sum() != before.Delivered+before.Control+before.Drops.Sum()+came {
		oracle.Fail(oracle.Counted, "%d messages: %v, then %v", came, before, after)
	}
	if packet != nil != (len(t.delivered) == 1) || packet != nil && !bytes.Equal(packet, t.delivered[0]) {
		oracle.Fail(oracle.Agreement, "delivered % x, want % x", t.delivered, packet)
	}
}

// verdict returns the packet of a plaintext, or why it has none. An empty plaintext is a keepalive: neither.
func verdict(from int, plaintext []byte) ([]byte, stats.Drop) {
	switch {
	case len(plaintext) > mtu+wireguard.Pad:
		return nil, stats.DropOversize
	case len(plaintext) == 0:
		return nil, stats.DropNone
	}
	header, length, ok := lengthOf(plaintext)
	switch {
	case !ok || length.Cmp(big.NewInt(20)) < 0 || length.Cmp(big.NewInt(int64(len(plaintext)))) > 0:
		return nil, stats.DropInner
	case scan(innerPrefixes, sourceOf(header, plaintext)) != from:
		return nil, stats.DropSource
	case length.Cmp(big.NewInt(mtu)) > 0:
		return nil, stats.DropOversize
	}
	return plaintext[:length.Int64()], stats.DropNone
}

// lengthOf returns the lengths of a packet's header and of all of it, in numbers that do not overflow.
func lengthOf(packet []byte) (header int, length *big.Int, ok bool) {
	switch version := packet[0] >> 4; {
	case version == 4 && len(packet) >= 20:
		return 20, new(big.Int).SetBytes(packet[2:4]), true
	case version == 6 && len(packet) >= 40:
		length = new(big.Int).SetBytes(packet[4:6])
		return 40, length.Add(length, big.NewInt(40)), true
	}
	return 0, nil, false
}

func sourceOf(header int, packet []byte) netip.Addr {
	at, end := 12, 16
	if header == 40 {
		at, end = 8, 24
	}
	a, _ := netip.AddrFromSlice(packet[at:end])
	return a
}
