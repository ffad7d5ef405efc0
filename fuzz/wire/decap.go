package wire

import (
	"encoding/binary"
	"net/netip"

	"github.com/tunnelbench/tunnelbench/fuzz/oracle"
	"github.com/tunnelbench/tunnelbench/reference"
	tunnelwire "github.com/tunnelbench/tunnelbench/reference/wire"
)

// The addresses of the ends, and of one who is no peer of anybody.
var (
	hereEndpoint   = netip.MustParseAddrPort("192.0.2.1:4754")
	thereEndpoint  = netip.MustParseAddrPort("192.0.2.2:4754")
	thirdEndpoint  = netip.MustParseAddrPort("192.0.2.3:4754")
	strangeAddress = netip.MustParseAddrPort("203.0.113.9:4754")
)

// prefixes behind the ends.
var (
	hereNets  = []netip.Prefix{netip.MustParsePrefix("198.18.0.0/16"), netip.MustParsePrefix("2001:2:0:1::/64")}
	thereNets = []netip.Prefix{netip.MustParsePrefix("198.19.0.0/16"), netip.MustParsePrefix("2001:2:0:2::/64")}
	thirdNets = []netip.Prefix{netip.MustParsePrefix("198.19.7.0/28"), netip.MustParsePrefix("2001:2:0:3::/64")}
)

// The tunnels' ids, and the MTU of both ends.
const (
	pairID, thirdID = 1, 2
	endMTU          = 1500
)

// endConfig is an end at one address with peers.
func endConfig(listen netip.AddrPort, peers ...reference.Peer) reference.Config {
	c := reference.Defaults(reference.TUN)
	c.Dev, c.Listen, c.MTU, c.Peers, c.Offloads = "tb0", listen, endMTU, peers, false
	return c
}

// hereConfig has two peers, the second of which owns a part of what lies
// around the first's networks.
func hereConfig() reference.Config {
	there := []netip.Prefix{netip.MustParsePrefix("198.19.0.0/22"), netip.MustParsePrefix("198.19.8.0/21"), thereNets[1]}
	return endConfig(hereEndpoint,
		reference.Peer{ID: pairID, Endpoint: thereEndpoint, Prefixes: there},
		reference.Peer{ID: thirdID, Endpoint: thirdEndpoint, Prefixes: thirdNets})
}

// newEnd makes an end of a configuration that is right.
func newEnd(c reference.Config, first uint64, deliver func([]byte), send func(netip.AddrPort, []byte)) *reference.End {
	e, err := reference.NewEnd(c, first, deliver, send)
	if err != nil {
		panic(err) // the harness is wrong, not the decoder
	}
	return e
}

// oneEnd is an end that is being attacked, and what came out.
type oneEnd struct {
	end       *reference.End
	delivered int
	octets    uint64
	answered  int
	fits      bool // every packet delivered was one that its sender may send
	windows   [2]windowModel
}

func (d *oneEnd) deliver(packet []byte) {
	d.delivered++
	d.octets += uint64(len(packet))
	d.fits = d.fits && slowIsIP(packet) && len(packet) <= endMTU
}

func (d *oneEnd) send(netip.AddrPort, []byte) { d.answered++ }

// Decap attacks the way in of a whole end with what a socket hands over: an
// octet that says from whom it comes and whether checksums are mended, two for the length of the
// datagrams in a row, and the row. Each datagram is judged by the slow decoder as well.
func Decap(data []byte) int {
	if len(data) < 3 || len(data) > 3+1<<16-1 {
		return 0
	}
	from := []netip.AddrPort{thereEndpoint, thirdEndpoint, strangeAddress}[int(data[0]>>1)%3]
	segment := int(binary.BigEndian.Uint16(data[1:]))
	row := oracle.Exact(data[3:])
	datagrams := cutRow(row, segment)
	if data[0]&1 == 1 {
		mendDatagrams(datagrams)
	}
	original := oracle.Exact(row)
	d := &oneEnd{fits: true}
	d.end = newEnd(hereConfig(), 1, d.deliver, d.send)
	want := d.judge(from, datagrams)
	d.end.Decap(from, row, segment)
	oracle.Untouched(row, original)
	d.counted(want)
	if oracle.Sampled(data, costly) {
		again := d.freshly(from, row, datagrams, segment)
		oracle.Allocates(0, again)
		oracle.Takes(oracle.Budget(2*len(row)+100*len(datagrams)), again)
	}
	return int(min(1, want.delivered()))
}

// freshly has another end take the row, each time with sequence numbers that it has not seen:
// what was accepted is accepted again, and costs all that accepting costs.
func (d *oneEnd) freshly(from netip.AddrPort, row []byte, datagrams [][]byte, segment int) func() {
	fresh := &oneEnd{fits: true}
	end := newEnd(hereConfig(), 1, fresh.deliver, fresh.send)
	var sound [][]byte // the others stay as they are
	for _, p := range datagrams {
		if slowParse(p) == nil {
			sound = append(sound, p)
		}
	}
	sequence := uint64(0)
	return func() {
		for _, p := range sound {
			sequence++
			tunnelwire.PutHeader(p, binary.BigEndian.Uint32(p), sequence)
		}
		end.Decap(from, row, segment)
	}
}

// cutRow cuts a message into datagrams as UDP_GRO says it: all of one length
// but the last. A message without octets is one datagram.
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

// mendDatagrams gives each the length and checksum it ought to have, and a
// small tunnel id, in place.
func mendDatagrams(datagrams [][]byte) {
	for _, p := range datagrams {
		if len(p) >= tunnelwire.HeaderLen {
			tunnelwire.PutHeader(p, uint32(p[3]%4), binary.BigEndian.Uint64(p[4:]))
		}
	}
}

// outcome is what has to have happened to a message's datagrams.
type outcome struct {
	drops   reference.Drops
	octets  uint64
	through [2]uint64 // packets of each peer
}

func (o outcome) delivered() uint64 { return o.through[0] + o.through[1] }

// judge goes through the documented order of checks, one by one.
func (d *oneEnd) judge(from netip.AddrPort, datagrams [][]byte) (o outcome) {
	o.drops[reference.DropNone] = 0
	for _, datagram := range datagrams {
		drop := d.judgeOne(from, datagram)
		if drop != reference.DropNone {
			o.drops[drop]++
			continue
		}
		o.through[be(datagram, 0, 4)-1]++
		o.octets += uint64(len(datagram) - 18)
	}
	return o
}

func (d *oneEnd) judgeOne(from netip.AddrPort, datagram []byte) reference.Drop {
	if from == strangeAddress {
		return reference.DropPeer
	}
	if len(datagram) > 18+endMTU {
		return reference.DropOversize
	}
	parsed := slowParse(datagram)
	if parsed == tunnelwire.ErrShort || parsed == tunnelwire.ErrLength {
		return dropOf(parsed)
	}
	id := be(datagram, 0, 4)
	owner := map[uint64]netip.AddrPort{pairID: thereEndpoint, thirdID: thirdEndpoint}[id]
	if owner != from {
		return reference.DropTunnel
	}
	if parsed != nil {
		return dropOf(parsed)
	}
	if !slowIsIP(datagram[18:]) {
		return reference.DropInner
	}
	if source, _, _, _ := slowIP(datagram[18:]); ownerOf(source) != id {
		return reference.DropSource
	}
	return dropOf(d.windows[id-1].accept(be(datagram, 4, 8)))
}

// dropOf is the counter under which an end counts what package reference/wire
// refuses.
func dropOf(err error) reference.Drop {
	return map[error]reference.Drop{
		tunnelwire.ErrShort: reference.DropShort, tunnelwire.ErrLength: reference.DropLength, tunnelwire.ErrChecksum: reference.DropChecksum,
		tunnelwire.ErrReplay: reference.DropReplay, tunnelwire.ErrOld: reference.DropOld, nil: reference.DropNone,
	}[err]
}

// ownerOf is the id of the peer behind which an address is, by looking at every prefix.
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

// counted compares what the counters say with what had to happen.
func (d *oneEnd) counted(want outcome) {
	stats := d.end.Stats()
	in := stats.Decap
	if in.Received != in.Delivered+in.Drops.Sum() {
		oracle.Fail(oracle.Counted, "%v", in)
	}
	if in.Drops != want.drops {
		oracle.Fail(oracle.Agreement, "%v; want %v", in, reference.Direction{Received: in.Received, Delivered: want.delivered(), Drops: want.drops})
	}
	if in.Delivered != want.delivered() || uint64(d.delivered) != in.Delivered || d.octets != want.octets || !d.fits {
		oracle.Fail(oracle.Agreement, "%d packets were delivered and %d counted, of %d octets, want %d of %d octets",
			d.delivered, in.Delivered, d.octets, want.delivered(), want.octets)
	}
	for i, p := range stats.Peers {
		if p.ReceivedPackets != want.through[i] {
			oracle.Fail(oracle.Counted, "%d packets are booked with peer %d, want %d", p.ReceivedPackets, p.ID, want.through[i])
		}
	}
	if d.answered > 0 || stats.Encap != (reference.Direction{}) {
		oracle.Fail(oracle.Amplification, "%d datagrams went out for those that came in", d.answered)
	}
}
