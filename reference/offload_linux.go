package reference

// device is what an offloadTUN needs of a sys.TUN.
type device interface {
	ReadParts(first, second []byte) (int, error)
	WriteParts(header []byte, parts [][]byte) error
}

// offloadTUN is a TUN device with a virtio_net_hdr in front of each packet:
// super-packets come in and are cut up, and packets of a flow are joined before
// they go out.
//
//	in:   | hdr | super-packet |  --splitter-->  batch of packets
//	out:  packets  --merger-->  | hdr | first packet | payload | payload | ...
type offloadTUN struct {
	device
	super []byte // room for a first part as long as a batch's packet, then for the rest
	room  int
	split splitter
	merge merger
	plain bool // the kernel refused a joined packet: none is made any more
	head  [virtioLen]byte
	apart [1][]byte
}

func newOffloadTUN(tun device, mtu int) *offloadTUN {
	room := mtu + 1
	return &offloadTUN{device: tun, room: room, super: make([]byte, room+maxSuper)}
}

// read takes the rest of the last super-packet before it asks for more. A
// packet that is none lands where it is sealed; what is longer goes on in super.
func (l *offloadTUN) read(b *batch) error {
	if l.split.more() {
		l.next(b)
		return nil
	}
	first := b.nextWithin(virtioLen)
	n, err := l.ReadParts(first, l.super[l.room:])
	if err != nil {
		return err
	}
	h := parseVirtio(first)
	n -= virtioLen
	if h.gsoType == gsoNone {
		n = min(n, l.room)
		if h.flags&needsChecksum != 0 && !finishChecksum(b.next()[:n], h) {
			b.tally.Received++
			b.tally.Drops[DropOffload]++
			return nil
		}
		b.commit(n)
		return nil
	}
	copy(l.super[:l.room], b.next())
	if n < 0 || !l.split.start(h, l.super[:n]) {
		b.tally.Received++
		b.tally.Drops[DropOffload]++
	}
	return nil
}

// next cuts off one packet. One that is longer than the MTU is counted as such
// by who routes it.
func (l *offloadTUN) next(b *batch) {
	n := l.split.next(b.next())
	if n == 0 {
		b.tally.Received++
		b.tally.Drops[DropOffload]++
		return
	}
	b.commit(n)
}

func (l *offloadTUN) write(packets [][]byte, tally *Direction) {
	if l.plain {
		for _, packet := range packets {
			l.writeOne(packet, tally)
		}
		return
	}
	l.merge.reset()
	for _, packet := range packets {
		l.merge.add(packet)
	}
	supers := l.merge.supers()
	for i := range supers {
		l.writeSuper(&supers[i], tally)
	}
}

func (l *offloadTUN) writeSuper(s *super, tally *Direction) {
	s.header.put(l.head[:])
	err := l.WriteParts(l.head[:], s.parts)
	switch {
	case err == nil:
		tally.Delivered += uint64(s.packets)
	case s.packets == 1:
		tally.Drops[DropPort]++
	default:
		l.takeApart(s, tally)
	}
}

// takeApart writes the packets of a refused super-packet one by one, and has
// no more made if the kernel takes them like that.
func (l *offloadTUN) takeApart(s *super, tally *Direction) {
	joined := make([]byte, 0, maxSuper) // once: super is the other direction's
	for _, part := range s.parts {
		joined = append(joined, part...)
	}
	before := tally.Delivered
	var parts splitter
	if !parts.start(s.header, joined) {
		tally.Drops[DropPort] += uint64(s.packets)
		return
	}
	one := make([]byte, l.room)
	for parts.more() {
		l.writeOne(one[:parts.next(one)], tally)
	}
	l.plain = tally.Delivered > before
}

var noOffload [virtioLen]byte

func (l *offloadTUN) writeOne(packet []byte, tally *Direction) {
	l.apart[0] = packet
	if l.WriteParts(noOffload[:], l.apart[:]) == nil {
		tally.Delivered++
	} else {
		tally.Drops[DropPort]++
	}
}
