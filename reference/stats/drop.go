package stats

import (
	"github.com/tunnelbench/tunnelbench/reference/wire"
)

// Drop is the reason why a packet was dropped. Every dropped packet has exactly one reason, and raises
// only the counter of that name. DropNone, the zero value, means that the packet was not dropped.
type Drop uint8

// The reasons: first those of decap, in the order of its checks, then those of encap, then those of
// writing to the LAN port and to the underlay socket.
const (
	DropNone      Drop = iota
	DropPeer           // datagram from an unknown source address
	DropOversize       // longer than the tunnel's MTU allows
	DropShort          // datagram shorter than the header
	DropLength         // length field differs from the datagram's length
	DropTunnel         // tunnel id that does not belong to the sender
	DropChecksum       // CRC-32C is wrong
	DropInner          // not an IPv4 or IPv6 packet
	DropSource         // inner source address that is not behind this peer
	DropReplay         // sequence number seen before
	DropOld            // sequence number older than the replay window
	DropRoute          // inner destination that is behind no peer
	DropOffload        // super-packet that cannot be split
	DropNextHop        // no Ethernet address is known for the inner destination
	DropPort           // the LAN port refused the packet
	DropSend           // the underlay socket refused the datagram
	DropSession        // sealed: no session, of a data message or for a packet that has waited
	DropSeal           // sealed: the message does not open with the session's key
	DropHandshake      // sealed: more handshake messages than can wait
	NumDrops
)

// DropOf returns the reason for an error of package wire.
func DropOf(err error) Drop {
	switch err {
	case wire.ErrShort:
		return DropShort
	case wire.ErrLength:
		return DropLength
	case wire.ErrReplay:
		return DropReplay
	case wire.ErrOld:
		return DropOld
	}
	return DropChecksum
}

var dropNames = [NumDrops]string{
	"none", "peer", "oversize", "short", "length", "tunnel", "checksum", "inner", "source",
	"replay", "old", "route", "offload", "nexthop", "port", "send", "session", "seal", "handshake",
}

// String returns the name of the reason's counter.
func (d Drop) String() string {
	if d < NumDrops {
		return dropNames[d]
	}
	return "unknown"
}
