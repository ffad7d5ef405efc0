package offload

import (
	"bytes"
	"encoding/binary"

	"github.com/tunnelbench/tunnelbench/internal/checksum"
	"github.com/tunnelbench/tunnelbench/reference/inner"
)

// Merger joins packets of a flow into super-packets. The kernel, or a Splitter, splits them into the
// same packets, byte for byte. A packet that does not continue the previous packet of its flow exactly
// starts a new super-packet. The packets of a flow stay in order. Packets with IPv6 extension headers are not
// joined.
//
// IPv4 identifications must count up, because splitting numbers them so. Checksums are verified before
// joining: the kernel computes new ones, which would hide a damaged packet.
type Merger struct {
	flows   [MergeMax]mergeFlow
	packets [MergeMax]struct {
		data []byte
		next int // index of the next packet of the super-packet; 0: none
	}
	parts  [MergeMax][]byte
	joined [MergeMax]Super
	nFlows int
	n      int
}

// MergeMax is the most packets that a Merger accepts between two calls of Reset.
const MergeMax = 256

const (
	maxJoined  = 64 // most packets of one super-packet
	mergeReach = 8  // how many super-packets back the search for a flow goes
)

// Super is one packet, or several joined. The device gets the Header and then the Parts, one after
// another.
type Super struct {
	Header  VirtioHeader
	Parts   [][]byte
	Packets int
}

// mergeFlow is a super-packet that packets are being added to.
type mergeFlow struct {
	transport
	first, last int // indexes of packets
	count       int
	size        int  // payload bytes of each packet except the last
	total       int  // bytes of the super-packet
	open        bool // another packet may follow
	verified    bool // the first packet's checksum is right
	push        bool // the last packet has PSH set
}

// Reset removes all packets.
func (m *Merger) Reset() { m.n, m.nFlows = 0, 0 }

// Add adds a packet; at most MergeMax between two calls of Reset.
func (m *Merger) Add(packet []byte) {
	at := m.n
	m.packets[at].data, m.packets[at].next = packet, 0
	m.n++
	t, ok := parseTransport(packet)
	if !ok || t.extended() {
		m.closeAll()                    // the packet may belong to any flow, and no later packet may overtake it
		m.begin(at, transport{}, false) // the zero transport keeps the packet out of the flow search
		return
	}
	if f := m.find(packet, t); f != nil {
		if f.open && m.follows(f, packet, t) {
			m.join(f, at, packet)
			return
		}
		f.open = false
	}
	m.begin(at, t, t.mayBegin(packet))
}

func (m *Merger) closeAll() {
	for i := max(0, m.nFlows-mergeReach); i < m.nFlows; i++ {
		m.flows[i].open = false
	}
}

func (m *Merger) begin(at int, t transport, open bool) {
	n := len(m.packets[at].data)
	m.flows[m.nFlows] = mergeFlow{
		transport: t, first: at, last: at, count: 1, size: n - t.headerLen, total: n, open: open,
	}
	m.nFlows++
}

// mayBegin reports whether other packets may be joined to packet.
func (t transport) mayBegin(packet []byte) bool {
	switch {
	case len(packet) == t.headerLen || !t.ipv6 && t.ipLen != inner.MinIPv4:
		return false
	case t.udp:
		return true
	}
	return packet[t.ipLen+tcpFlags] == flagACK
}

// find returns the latest super-packet of the packet's flow.
func (m *Merger) find(packet []byte, t transport) *mergeFlow {
	for i := m.nFlows - 1; i >= max(0, m.nFlows-mergeReach); i-- {
		f := &m.flows[i]
		if f.ipv6 == t.ipv6 && f.udp == t.udp && f.ipLen > 0 && sameFlow(m.packets[f.first].data, packet, f.transport, t) {
			return f
		}
	}
	return nil
}

// sameFlow compares addresses and ports.
func sameFlow(a, b []byte, ta, tb transport) bool {
	from, to := 12, 20
	if ta.ipv6 {
		from, to = 8, 40
	}
	return bytes.Equal(a[from:to], b[from:to]) && bytes.Equal(a[ta.ipLen:ta.ipLen+4], b[tb.ipLen:tb.ipLen+4])
}

// follows reports whether packet, of the same flow, is the next packet that a Splitter would produce.
// Both checksums must be right.
func (m *Merger) follows(f *mergeFlow, packet []byte, t transport) bool {
	first, payload := m.packets[f.first].data, len(packet)-t.headerLen
	if t.headerLen != f.headerLen || t.ipLen != f.ipLen || payload == 0 || payload > f.size ||
		f.total+payload > MaxSuper-1 || !sameIP(first, packet, f) || !f.udp && !sameTCP(first, packet, f) {
		return false
	}
	f.verified = f.verified || f.checksumsAreRight(first)
	return f.verified && t.checksumsAreRight(packet)
}

// sameIP compares the IP headers except lengths and checksums.
func sameIP(first, packet []byte, f *mergeFlow) bool {
	if f.ipv6 {
		return bytes.Equal(first[:4], packet[:4]) && bytes.Equal(first[6:8], packet[6:8])
	}
	id := binary.BigEndian.Uint16(first[ipv4ID:]) + uint16(f.count)
	return first[0] == packet[0] && first[1] == packet[1] && binary.BigEndian.Uint16(packet[ipv4ID:]) == id &&
		bytes.Equal(first[ipv4Fragment:ipv4Checksum], packet[ipv4Fragment:ipv4Checksum])
}

// sameTCP compares the TCP headers except the checksum. Sequence numbers must be consecutive, and the
// packet may have PSH set.
func sameTCP(first, packet []byte, f *mergeFlow) bool {
	a, b := first[f.ipLen:f.headerLen], packet[f.ipLen:f.headerLen]
	sequence := binary.BigEndian.Uint32(a[tcpSequence:]) + uint32(f.total-f.headerLen)
	return binary.BigEndian.Uint32(b[tcpSequence:]) == sequence &&
		bytes.Equal(a[tcpAck:tcpFlags], b[tcpAck:tcpFlags]) && b[tcpFlags]&^flagPSH == flagACK &&
		bytes.Equal(a[tcpWindow:tcpChecksum], b[tcpWindow:tcpChecksum]) && bytes.Equal(a[tcpChecksum+2:], b[tcpChecksum+2:])
}

// join appends a packet for which follows is true.
func (m *Merger) join(f *mergeFlow, at int, packet []byte) {
	payload := len(packet) - f.headerLen
	m.packets[f.last].next = at
	f.last = at
	f.count++
	f.total += payload
	f.push = !f.udp && packet[f.ipLen+tcpFlags]&flagPSH != 0
	f.open = payload == f.size && !f.push && f.count < maxJoined
}

// Supers returns the packets added since Reset, in the order of their first packets. It is valid until
// Reset and changes the first packet of each super-packet.
func (m *Merger) Supers() []Super {
	parts := m.parts[:0]
	for i := range m.nFlows {
		f := &m.flows[i]
		from := len(parts)
		parts = append(parts, m.packets[f.first].data)
		for at := m.packets[f.first].next; at != 0; at = m.packets[at].next {
			parts = append(parts, m.packets[at].data[f.headerLen:])
		}
		m.joined[i] = Super{Parts: parts[from:], Packets: f.count}
		if f.count > 1 {
			m.joined[i].Header = f.head(m.packets[f.first].data)
		}
	}
	return m.joined[:m.nFlows]
}

// head turns the headers of the first packet into the headers of the super-packet.
func (f *mergeFlow) head(first []byte) VirtioHeader {
	f.setLength(first, f.total)
	if f.push {
		first[f.ipLen+tcpFlags] |= flagPSH
	}
	binary.BigEndian.PutUint16(first[f.checksumAt():], checksum.Fold(f.pseudo(first, f.total-f.ipLen)))
	h := VirtioHeader{
		Flags: NeedsChecksum, GSOType: GSOUDP, HeaderLen: uint16(f.headerLen), GSOSize: uint16(f.size),
		ChecksumStart: uint16(f.ipLen), ChecksumOffset: uint16(f.checksumAt() - f.ipLen),
	}
	switch {
	case !f.udp && f.ipv6:
		h.GSOType = GSOTCP6
	case !f.udp:
		h.GSOType = GSOTCP4
	}
	return h
}
