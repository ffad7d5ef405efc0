package wire

import (
	"encoding/binary"
	"net/netip"

	"github.com/tunnelbench/tunnelbench/fuzz/oracle"
	"github.com/tunnelbench/tunnelbench/reference"
	"github.com/tunnelbench/tunnelbench/reference/settings"
	"github.com/tunnelbench/tunnelbench/reference/stats"
	tunnelwire "github.com/tunnelbench/tunnelbench/reference/wire"
)

// Addresses of the two peers of an end, of the end itself, and of an unknown source.
var (
	hereEndpoint    = netip.MustParseAddrPort("192.0.2.1:4754")
	thereEndpoint   = netip.MustParseAddrPort("192.0.2.2:4754")
	thirdEndpoint   = netip.MustParseAddrPort("192.0.2.3:4754")
	unknownEndpoint = netip.MustParseAddrPort("203.0.113.9:4754")
)

// Inner prefixes behind each end.
var (
	hereNets  = []netip.Prefix{netip.MustParsePrefix("198.18.0.0/16"), netip.MustParsePrefix("2001:2:0:1::/64")}
	thereNets = []netip.Prefix{netip.MustParsePrefix("198.19.0.0/16"), netip.MustParsePrefix("2001:2:0:2::/64")}
	thirdNets = []netip.Prefix{netip.MustParsePrefix("198.19.7.0/28"), netip.MustParsePrefix("2001:2:0:3::/64")}
)

// Tunnel ids, and the MTU of both ends in bytes.
const (
	pairID, thirdID = 1, 2
	endMTU          = 1500
)

// endConfig returns the configuration of an end that listens on one address.
func endConfig(listen netip.AddrPort, peers ...settings.Peer) settings.Config {
	c := settings.Defaults(settings.TUN)
	c.Dev, c.Listen, c.MTU, c.Peers, c.Offloads = "tb0", listen, endMTU, peers, false
	return c
}

// hereConfig has two peers. The second peer's IPv4 prefix lies in a gap between the first peer's
// prefixes.
func hereConfig() settings.Config {
	there := []netip.Prefix{netip.MustParsePrefix("198.19.0.0/22"), netip.MustParsePrefix("198.19.8.0/21"), thereNets[1]}
	return endConfig(hereEndpoint,
		settings.Peer{ID: pairID, Endpoint: thereEndpoint, Prefixes: there},
		settings.Peer{ID: thirdID, Endpoint: thirdEndpoint, Prefixes: thirdNets})
}

// newEnd makes an end. It panics if the configuration is invalid.
func newEnd(c settings.Config, first uint64, deliver func([]byte), send func(netip.AddrPort, []byte)) *reference.End {
	e, err := reference.NewEnd(c, first, deliver, send)
	if err != nil {
		panic(err) // the harness is wrong, not the decoder
	}
	return e
}

// oneEnd is the end under attack and a record of what it delivered and sent.
type oneEnd struct {
	end       *reference.End
	delivered int
	bytes     uint64
	answered  int
	fits      bool // every delivered packet is IP and not longer than the MTU
	windows   [2]windowModel
}

func (d *oneEnd) deliver(packet []byte) {
	d.delivered++
	d.bytes += uint64(len(packet))
	d.fits = d.fits && slowIsIP(packet) && len(packet) <= endMTU
}

func (d *oneEnd) send(netip.AddrPort, []byte) { d.answered++ }

// Decap attacks the receive path of a whole end with one message of a socket. The first byte chooses
// the source address and whether checksums are corrected. The next two bytes are the segment size
// (UDP_GRO). The rest is the message. The counters are compared with the slow decoder's results.
func Decap(data []byte) int {
	if len(data) < 3 || len(data) > 3+1<<16-1 {
		return 0
	}
	from := []netip.AddrPort{thereEndpoint, thirdEndpoint, unknownEndpoint}[int(data[0]>>1)%3]
	segment := int(binary.BigEndian.Uint16(data[1:]))
	row := oracle.Exact(data[3:])
	datagrams := cutRow(row, segment)
	if data[0]&1 == 1 {
		fixDatagrams(datagrams)
	}
	original := oracle.Exact(row)
	d := &oneEnd{fits: true}
	d.end = newEnd(hereConfig(), 1, d.deliver, d.send)
	want := d.expect(from, datagrams)
	d.end.Decap(from, row, segment)
	oracle.Untouched(row, original)
	d.compareCounters(want)
	if oracle.Sampled(data, Costly) {
		again := d.repeat(from, row, datagrams, segment)
		oracle.Allocates(0, again)
		oracle.Takes(oracle.Budget(2*len(row)+100*len(datagrams)), again)
	}
	return int(min(1, want.delivered()))
}

// repeat returns a function that decapsulates the same message in a second end. Each call writes
// new sequence numbers, so that every valid datagram is accepted again at its full cost.
func (d *oneEnd) repeat(from netip.AddrPort, row []byte, datagrams [][]byte, segment int) func() {
	fresh := &oneEnd{fits: true}
	end := newEnd(hereConfig(), 1, fresh.deliver, fresh.send)
	var valid [][]byte // invalid datagrams are left unchanged
	for _, p := range datagrams {
		if slowParse(p) == nil {
			valid = append(valid, p)
		}
	}
	sequence := uint64(0)
	return func() {
		for _, p := range valid {
			sequence++
			tunnelwire.PutHeader(p, binary.BigEndian.Uint32(p), sequence)
		}
		end.Decap(from, row, segment)
	}
}

// cutRow cuts a message into datagrams as UDP_GRO does (udp(7)): all have the same length, only the
// last may be shorter. An empty message is one empty datagram.
func cutRow(row []byte, segment int) (datagrams [][]byte) {
	if segment == 0 || segment >= len(row) {
		return [][]byte{row}
	}
	for len(row) > 0 {
		n := min(segment, len(row))
		datagrams = append(datagrams, row[:n:n])
		row = row[n:]
	}
	return datagrams
}

// fixDatagrams corrects the length and checksum of each datagram in place and gives it a small
// tunnel id.
func fixDatagrams(datagrams [][]byte) {
	for _, p := range datagrams {
		if len(p) >= tunnelwire.HeaderLen {
			tunnelwire.PutHeader(p, uint32(p[3]%4), binary.BigEndian.Uint64(p[4:]))
		}
	}
}

// outcome is the expected result for the datagrams of a message.
type outcome struct {
	drops   stats.Drops
	bytes   uint64
	through [2]uint64 // delivered packets of each peer
}

func (o outcome) delivered() uint64 { return o.through[0] + o.through[1] }

// expect applies the documented checks to each datagram, in their documented order.
func (d *oneEnd) expect(from netip.AddrPort, datagrams [][]byte) (o outcome) {
	o.drops[stats.DropNone] = 0
	for _, datagram := range datagrams {
		drop := d.expectOne(from, datagram)
		if drop != stats.DropNone {
			o.drops[drop]++
			continue
		}
		o.through[be(datagram, 0, 4)-1]++
		o.bytes += uint64(len(datagram) - 18)
	}
	return o
}

func (d *oneEnd) expectOne(from netip.AddrPort, datagram []byte) stats.Drop {
	if from == unknownEndpoint {
		return stats.DropPeer
	}
	if len(datagram) > 18+endMTU {
		return stats.DropOversize
	}
	parsed := slowParse(datagram)
	if parsed == tunnelwire.ErrShort || parsed == tunnelwire.ErrLength {
		return dropOf(parsed)
	}
	id := be(datagram, 0, 4)
	owner := map[uint64]netip.AddrPort{pairID: thereEndpoint, thirdID: thirdEndpoint}[id]
	if owner != from {
		return stats.DropTunnel
	}
	if parsed != nil {
		return dropOf(parsed)
	}
	if !slowIsIP(datagram[18:]) {
		return stats.DropInner
	}
	if source, _, _, _ := slowIP(datagram[18:]); ownerOf(source) != id {
		return stats.DropSource
	}
	return dropOf(d.windows[id-1].accept(be(datagram, 4, 8)))
}

// dropOf returns the drop counter for an error of package reference/wire.
func dropOf(err error) stats.Drop {
	return map[error]stats.Drop{
		tunnelwire.ErrShort: stats.DropShort, tunnelwire.ErrLength: stats.DropLength, tunnelwire.ErrChecksum: stats.DropChecksum,
		tunnelwire.ErrReplay: stats.DropReplay, tunnelwire.ErrOld: stats.DropOld, nil: stats.DropNone,
	}[err]
}

// ownerOf returns the id of the peer that owns addr, or 0. It looks at every prefix.
func ownerOf(addr netip.Addr) uint64 {
	for _, p := range hereConfig().Peers {
		for _, prefix := range p.Prefixes {
			if prefix.Contains(addr) {
				return uint64(p.ID)
			}
		}
	}
	return 0
}

// compareCounters compares the counters of the end with the expected outcome.
func (d *oneEnd) compareCounters(want outcome) {
	counted := d.end.Stats()
	in := counted.Decap
	if in.Received != in.Delivered+in.Drops.Sum() {
		oracle.Fail(oracle.Counted, "%v", in)
	}
	if in.Drops != want.drops {
		oracle.Fail(oracle.Agreement, "%v; want %v", in, stats.Direction{Received: in.Received, Delivered: want.delivered(), Drops: want.drops})
	}
	if in.Delivered != want.delivered() || uint64(d.delivered) != in.Delivered || d.bytes != want.bytes || !d.fits {
		oracle.Fail(oracle.Agreement, "%d packets delivered, %d counted, %d bytes; want %d packets, %d bytes",
			d.delivered, in.Delivered, d.bytes, want.delivered(), want.bytes)
	}
	for i, p := range counted.Peers {
		if p.ReceivedPackets != want.through[i] {
			oracle.Fail(oracle.Counted, "%d packets are counted for peer %d, want %d", p.ReceivedPackets, p.ID, want.through[i])
		}
	}
	if d.answered > 0 || counted.Encap != (stats.Direction{}) {
		oracle.Fail(oracle.Amplification, "%d datagrams were sent in response to received datagrams", d.answered)
	}
}
