// Package stats has the counters of a tunnel: what became of each packet.
package stats

import (
	"fmt"
	"math/bits"
	"strings"
	"sync/atomic"

	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// Stats holds the counters of a tunnel since its start.
type Stats struct {
	Encap Direction // LAN port to underlay
	Decap Direction // underlay to LAN port
	Peers []PeerStats
	// UnknownSource counts messages from unknown sources that the filter of the socket dropped. They are not
	// part of Decap.
	UnknownSource uint64
	// Handshakes counts the messages of a sealed tunnel's handshakes; nil: the tunnel is plain.
	Handshakes *wireguard.Tally
	// EncapSizes and DecapSizes count the batches by their number of packets.
	EncapSizes, DecapSizes Sizes
}

// Sizes counts batches by size: batch sizes from 2^(i-1)+1 to 2^i at index i. The last one has all that are larger, too.
type Sizes [12]uint64

// String returns one line per direction, type of handshake message and peer, for people and scripts, without a line end after the last.
// Peers without a packet have no line.
func (s Stats) String() string {
	var text strings.Builder
	fmt.Fprintf(&text, "encap %v\ndecap %v\nunknown sources %d", s.Encap, s.Decap, s.UnknownSource)
	if s.Handshakes != nil {
		fmt.Fprintf(&text, "\n%v", s.Handshakes)
	}
	for _, p := range s.Peers {
		if p.SentPackets+p.ReceivedPackets+p.Restarts == 0 {
			continue
		}
		fmt.Fprintf(&text, "\npeer %d sent %d packets %d bytes received %d packets %d bytes",
			p.ID, p.SentPackets, p.SentOctets, p.ReceivedPackets, p.ReceivedOctets)
		if p.Restarts > 0 {
			fmt.Fprintf(&text, " restarts %d", p.Restarts)
		}
	}
	return text.String()
}

// PeerStats counts the traffic of one tunnel.
type PeerStats struct {
	ID                              uint32
	SentPackets, SentOctets         uint64 // inner packets that the socket accepted, and their bytes
	ReceivedPackets, ReceivedOctets uint64 // inner packets that passed every check, and their bytes
	Restarts                        uint64 // how often the peer began again at a lower sequence number
}

// Traffic counts packets and their bytes in one direction. Any goroutine may read.
type Traffic struct{ packets, octets atomic.Uint64 }

// Add counts packets. One goroutine at a time may.
func (t *Traffic) Add(packets, octets uint64) {
	t.packets.Add(packets)
	t.octets.Add(octets)
}

// Load returns the counters.
func (t *Traffic) Load() (packets, octets uint64) { return t.packets.Load(), t.octets.Load() }

// Direction holds the packet counters of a direction. Received is the sum of Delivered, Control and all Drops
// between two batches and after the tunnel has stopped, apart from packets that wait for a session. While a batch is being counted, a reader may see only some of
// its counters.
type Direction struct {
	Received  uint64 // encap: packets read from the port; decap: datagrams read from the socket
	Delivered uint64 // encap: datagrams that the socket accepted; decap: packets that the port accepted
	Batches   uint64 // batches received
	Control   uint64 // sealed, decap: handshake messages and keepalives
	Drops     Drops
}

// Drops holds a counter for each reason. The index is the Drop.
type Drops [NumDrops]uint64

// Sum returns the number of packets dropped for any reason.
func (d Drops) Sum() uint64 {
	var sum uint64
	for _, n := range d {
		sum += n
	}
	return sum
}

// String returns the counters in one line, without drop counters that are 0.
func (d Direction) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "received %d delivered %d batches %d", d.Received, d.Delivered, d.Batches)
	if d.Control > 0 {
		fmt.Fprintf(&s, " control %d", d.Control)
	}
	for reason, n := range d.Drops {
		if n > 0 {
			fmt.Fprintf(&s, " %s %d", Drop(reason), n)
		}
	}
	return s.String()
}

// Counters holds the totals of a direction. Any goroutine may use it.
type Counters struct {
	received, delivered, batches, control atomic.Uint64
	drops                                 [NumDrops]atomic.Uint64
	sizes                                 [len(Sizes{})]atomic.Uint64
	_                                     [64]byte // puts the two directions on separate cache lines
}

// Add adds the counters of a batch and sets them to zero. It makes only one atomic addition for each counter
// and batch, and none for counters that are 0, because atomic additions are expensive.
func (c *Counters) Add(batch *Direction) {
	c.batches.Add(1)
	if batch.Received > 0 {
		c.sizes[min(bits.Len64(batch.Received-1), len(c.sizes)-1)].Add(1)
	}
	addIfAny(&c.received, batch.Received)
	addIfAny(&c.delivered, batch.Delivered)
	addIfAny(&c.control, batch.Control)
	for i, n := range batch.Drops {
		addIfAny(&c.drops[i], n)
	}
	*batch = Direction{}
}

func addIfAny(c *atomic.Uint64, n uint64) {
	if n > 0 {
		c.Add(n)
	}
}

// Late adds the end of packets that were received with an earlier batch: sent, or dropped for a reason.
func (c *Counters) Late(delivered uint64, reason Drop, dropped uint64) {
	addIfAny(&c.delivered, delivered)
	addIfAny(&c.drops[reason], dropped)
}

// Load returns the totals.
func (c *Counters) Load() Direction {
	d := Direction{Received: c.received.Load(), Delivered: c.delivered.Load(), Batches: c.batches.Load(), Control: c.control.Load()}
	for i := range c.drops {
		d.Drops[i] = c.drops[i].Load()
	}
	return d
}

// Sizes returns how large the batches were.
func (c *Counters) Sizes() (s Sizes) {
	for i := range c.sizes {
		s[i] = c.sizes[i].Load()
	}
	return s
}
