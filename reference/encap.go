package reference

// port is the LAN side: where inner packets come from and go to. One goroutine
// reads while another writes.
type port interface {
	// read waits until there is a packet, then fills b until it is full or
	// nothing more is there. After interrupt it returns io.EOF.
	read(b *batch) error
	// write passes packets on and returns how many were taken; a packet that
	// is refused does not keep back those behind it.
	write(packets [][]byte) int
	// interrupt ends read, now and for good.
	interrupt() error
	close() error
}

// encap is the way from the LAN port to the underlay.
type encap struct {
	port     port
	conn     conn
	tunnel   uint32
	mtu      int
	sequence uint64 // of the next datagram
	batch    *batch
	tally    Direction
	counters counters
}

// step carries one batch: read, seal in place, send. It flushes when nothing
// more is waiting and not on a timer, so a lone packet goes out at once and
// batches grow with load.
func (e *encap) step() error {
	b := e.batch
	b.reset()
	if err := e.port.read(b); err != nil {
		return err
	}
	e.tally.Received += uint64(b.len())
	e.seal(b)
	sent := e.conn.send(b)
	e.tally.Delivered += uint64(sent)
	e.tally.Drops[DropSend] += uint64(b.len() - sent)
	e.counters.add(&e.tally)
	return nil
}

// seal turns the packets of b into datagrams and leaves out those that cannot
// be sent.
func (e *encap) seal(b *batch) {
	kept := b.datagrams[:0]
	for _, d := range b.datagrams {
		datagram := b.slab[d.start:d.end:d.end]
		if drop := e.check(datagram[HeaderLen:]); drop != DropNone {
			e.tally.Drops[drop]++
			continue
		}
		Seal(datagram, e.tunnel, e.sequence)
		e.sequence++
		kept = append(kept, d)
	}
	b.datagrams = kept
}

func (e *encap) check(packet []byte) Drop {
	if len(packet) > e.mtu {
		return DropOversize
	}
	if !isIP(packet) {
		return DropInner
	}
	return DropNone
}
