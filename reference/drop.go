package reference

import "github.com/tunnelbench/tunnelbench/reference/wire"

// Drop says why a packet went no further. Every packet that is not passed on
// has exactly one, and the counter of that name is the only one that it
// raises. DropNone is the zero value: the packet lives.
type Drop uint8

// The reasons, in the order in which the way in asks for them, then those of
// the way out and of the two exits.
const (
	DropNone     Drop = iota
	DropPeer          // datagram from an address that is no peer's
	DropOversize      // longer than the tunnel's MTU allows
	DropShort         // datagram shorter than the header
	DropLength        // length field differs from the datagram's
	DropTunnel        // a tunnel id that is not one of this sender's
	DropChecksum      // CRC-32C does not hold
	DropInner         // not an IPv4 or IPv6 packet
	DropSource        // inner source address that is not behind this peer
	DropReplay        // sequence number seen before
	DropOld           // sequence number left of the replay window
	DropRoute         // inner destination that is behind no peer
	DropOffload       // a super-packet that cannot be cut up
	DropNextHop       // no Ethernet address is known for the inner destination
	DropPort          // the LAN port refused the packet
	DropSend          // the underlay socket refused the datagram
	numDrops
)

// dropOf is the reason that stands for an error of package wire.
func dropOf(err error) Drop {
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

var dropNames = [numDrops]string{
	"none", "peer", "oversize", "short", "length", "tunnel", "checksum", "inner", "source",
	"replay", "old", "route", "offload", "nexthop", "port", "send",
}

// String is the name under which the counter is reported.
func (d Drop) String() string {
	if d < numDrops {
		return dropNames[d]
	}
	return "unknown"
}
