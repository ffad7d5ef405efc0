package reference

import (
	"fmt"
	"strings"
	"sync/atomic"
)

// Stats are the counters of a tunnel since its start.
type Stats struct {
	Encap Direction // LAN port to underlay
	Decap Direction // underlay to LAN port
	Peers []PeerStats
	// UnknownSource counts messages from unknown sources that the socket's filter dropped before they were
	// queued. They are not part of Decap.
	UnknownSource uint64
}

// Direction counts packets. Received == Delivered + the sum of Drops between batches and after the
// tunnel has stopped. A reader may see a batch that is being processed counted in part.
type Direction struct {
	Received  uint64 // packets read from the port, datagrams read from the socket
	Delivered uint64 // datagrams that the socket accepted, packets that the port accepted
	Batches   uint64 // batches received
	Drops     Drops
}

// Drops has one counter for each Drop, which is its index.
type Drops [numDrops]uint64

// Sum is the number of packets dropped for any reason.
func (d Drops) Sum() uint64 {
	var sum uint64
	for _, n := range d {
		sum += n
	}
	return sum
}

// String returns the counts in one line, without drops that are 0.
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

// counters are the totals of a direction. Only its own goroutine adds; any goroutine may read.
type counters struct {
	received, delivered, batches atomic.Uint64
	drops                        [numDrops]atomic.Uint64
	_                            [64]byte // puts the two directions on separate cache lines
}

// add adds a batch's tally and clears it. Atomic additions cost more than the other accounting, so there
// is one for each batch and counter, and none for counters that are 0.
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
