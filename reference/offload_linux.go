package reference

import (
	"github.com/tunnelbench/tunnelbench/reference/inner"
	"github.com/tunnelbench/tunnelbench/reference/offload"
	"github.com/tunnelbench/tunnelbench/reference/stats"
)

// device is the part of sys.TUN that offloadTUN uses.
type device interface {
	ReadParts(first, second []byte) (int, error)
	WriteParts(header []byte, parts [][]byte) error
}

// offloadTUN is a TUN device with a virtio_net_hdr in front of each packet. It splits super-packets after
// reading, and joins the packets of a flow before writing.
//
//	in:   | hdr | super-packet |  --splitter-->  batch of packets
//	out:  packets  --merger-->  | hdr | first packet | payload | payload | ...
type offloadTUN struct {
	device
	super []byte // read buffer: room for one packet of a batch, then for the rest of a super-packet
	room  int
	split offload.Splitter
	merge offload.Merger
	head  [offload.VirtioLen]byte
	apart [1][]byte
	offload.Backoff
}

func newOffloadTUN(tun device, mtu int) *offloadTUN {
	room := mtu + 1
	return &offloadTUN{device: tun, room: room, super: make([]byte, room+offload.MaxSuper)}
}

// read returns the rest of the last super-packet before it reads from the device again. It reads a packet
// of normal size directly into the batch. It reads the rest of a longer packet into super.
func (l *offloadTUN) read(b *batch) error {
	if l.split.More() {
		l.next(b)
		return nil
	}
	first := b.nextWithin(offload.VirtioLen)
	n, err := l.ReadParts(first, l.super[l.room:])
	if err != nil {
		return err
	}
	h := offload.ParseVirtio(first)
	n -= offload.VirtioLen
	if h.GSOType == offload.GSONone {
		n = min(n, l.room)
		if h.Flags&offload.NeedsChecksum != 0 && !offload.FinishChecksum(b.next()[:n], h) {
			b.tally.Received++
			b.tally.Drops[stats.DropOffload]++
			return nil
		}
		b.commit(len(inner.Unpadded(b.next()[:n]))) // a bridge passes on the padding of short frames
		return nil
	}
	copy(l.super[:l.room], b.next())
	if n < 0 || !l.split.Start(h, l.super[:n]) {
		b.tally.Received++
		b.tally.Drops[stats.DropOffload]++
	}
	return nil
}

// next splits one packet off the super-packet. encap.recv counts a packet that exceeds the MTU.
func (l *offloadTUN) next(b *batch) {
	n := l.split.Next(b.next())
	if n == 0 {
		b.tally.Received++
		b.tally.Drops[stats.DropOffload]++
		return
	}
	b.commit(n)
}

func (l *offloadTUN) write(packets [][]byte, tally *stats.Direction) {
	l.Begin()
	if l.Resting() {
		for _, packet := range packets {
			l.writeOne(packet, tally)
		}
		return
	}
	l.merge.Reset()
	for _, packet := range packets {
		l.merge.Add(packet)
	}
	supers := l.merge.Supers()
	for i := range supers {
		l.writeSuper(&supers[i], tally)
	}
}

func (l *offloadTUN) writeSuper(s *offload.Super, tally *stats.Direction) {
	s.Header.Put(l.head[:])
	err := l.WriteParts(l.head[:], s.Parts)
	switch {
	case err == nil:
		tally.Delivered += uint64(s.Packets)
		if s.Packets > 1 {
			l.Worked()
		}
	case s.Packets == 1:
		tally.Drops[stats.DropPort]++
	default:
		l.writeSingly(s, tally)
	}
}

// writeSingly writes the packets of a refused super-packet one by one. If the kernel accepts one,
// the next batches are not joined.
func (l *offloadTUN) writeSingly(s *offload.Super, tally *stats.Direction) {
	joined := make([]byte, 0, offload.MaxSuper) // not super, because the other direction uses super
	for _, part := range s.Parts {
		joined = append(joined, part...)
	}
	before := tally.Delivered
	var parts offload.Splitter
	if !parts.Start(s.Header, joined) {
		tally.Drops[stats.DropPort] += uint64(s.Packets)
		return
	}
	one := make([]byte, l.room)
	for parts.More() {
		l.writeOne(one[:parts.Next(one)], tally)
	}
	if tally.Delivered > before {
		l.Refused()
	}
}

var noOffload [offload.VirtioLen]byte

func (l *offloadTUN) writeOne(packet []byte, tally *stats.Direction) {
	l.apart[0] = packet
	if l.WriteParts(noOffload[:], l.apart[:]) == nil {
		tally.Delivered++
	} else {
		tally.Drops[stats.DropPort]++
	}
}
