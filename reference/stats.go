package reference

import (
	"fmt"
	"strings"
	"sync/atomic"
)

// Stats is what a tunnel did so far.
type Stats struct {
	Encap Direction // LAN port to underlay
	Decap Direction // underlay to LAN port
	Peers []PeerStats
	// UnknownSource is how many messages the socket's filter dropped before they
	// were queued, because they came from no peer's address. They are in no direction.
	UnknownSource uint64
}

// Direction counts packets. Once the tunnel has stopped, and between batches,
// Received == Delivered + the sum of Drops; while a batch is on its way a
// reader may see it counted in part.
type Direction struct {
	Received  uint64 // packets read from the port, datagrams read from the socket
	Delivered uint64 // datagrams the socket took, packets the port took
	Batches   uint64 // times that this direction woke up or went round for more
	Drops     Drops
}

// Drops has one counter per reason; index it with a Drop.
type Drops [numDrops]uint64

// Sum is the number of packets dropped for any reason.
func (d Drops) Sum() uint64 {
	var sum uint64
	for _, n := range d {
		sum += n
	}
	return sum
}

// String is the line a person reads: the counts, then each drop that happened.
func (d Direction) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "received %d delivered %d batches %d", d.Received, d.Delivered, d.Batches)
	for reason, n := range d.Drops {
		if n > 0 {
			fmt.Fprintf(&s, " %s %d", Drop(reason), n)
		}
	}
	return s.String()
}

// counters is a direction's totals. Only its own goroutine adds; anybody may read.
type counters struct {
	received, delivered, batches atomic.Uint64
	drops                        [numDrops]atomic.Uint64
	_                            [64]byte // keeps the other direction's cache lines apart
}

// add adds a batch's tally and clears it. Atomic additions cost more than the
// rest of the accounting, so they are made per batch and only where something
// happened.
func (c *counters) add(batch *Direction) {
	c.batches.Add(1)
	addIfAny(&c.received, batch.Received)
	addIfAny(&c.delivered, batch.Delivered)
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

func (c *counters) load() Direction {
	d := Direction{Received: c.received.Load(), Delivered: c.delivered.Load(), Batches: c.batches.Load()}
	for i := range c.drops {
		d.Drops[i] = c.drops[i].Load()
	}
	return d
}
