package wire

import (
	"encoding/binary"
	"net"
	"slices"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"github.com/tunnelbench/tunnelbench/loadgen/signature"
	"github.com/tunnelbench/tunnelbench/reference/offload"
	tunnelwire "github.com/tunnelbench/tunnelbench/reference/wire"
)

// seedPacket makes an IP packet with gopacket. Its IPv4 identification and TCP sequence number follow
// from index.
func seedPacket(ipv6, udp bool, index int, payload []byte, options ...layers.TCPOption) []byte {
	protocol := layers.IPProtocolTCP
	if udp {
		protocol = layers.IPProtocolUDP
	}
	var network gopacket.SerializableLayer
	var pseudo gopacket.NetworkLayer
	if ipv6 {
		ip := &layers.IPv6{Version: 6, HopLimit: 9, NextHeader: protocol, SrcIP: net.ParseIP("2001:2:0:2::7"), DstIP: net.ParseIP("2001:2:0:1::7")}
		network, pseudo = ip, ip
	} else {
		ip := &layers.IPv4{Version: 4, TTL: 9, Id: uint16(65534 + index), Protocol: protocol, SrcIP: net.IP{198, 19, 0, 7}, DstIP: net.IP{198, 18, 0, 7}}
		network, pseudo = ip, ip
	}
	if udp {
		layer := &layers.UDP{SrcPort: 40000, DstPort: 9}
		_ = layer.SetNetworkLayerForChecksum(pseudo)
		return seedLayers(network, layer, gopacket.Payload(payload))
	}
	layer := &layers.TCP{SrcPort: 40000, DstPort: 9, Seq: uint32(1<<32 - 150 + index*len(payload)), Ack: 77, ACK: true, Window: 1000, Options: options}
	_ = layer.SetNetworkLayerForChecksum(pseudo)
	return seedLayers(network, layer, gopacket.Payload(payload))
}

func seedLayers(all ...gopacket.SerializableLayer) []byte {
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, all...); err != nil {
		panic(err) // the seed is wrong
	}
	return slices.Clone(b.Bytes())
}

// kinds calls each for all combinations of IP version and transport protocol.
func kinds(each func(ipv6, udp bool)) {
	for i := range 4 {
		each(i&1 == 1, i&2 == 2)
	}
}

func timestamps() layers.TCPOption {
	return layers.TCPOption{OptionType: layers.TCPOptionKindTimestamps, OptionLength: 10, OptionData: make([]byte, 8)}
}

func sealed(tunnel uint32, sequence uint64, packet []byte) []byte {
	datagram := append(make([]byte, tunnelwire.HeaderLen), packet...)
	tunnelwire.PutHeader(datagram, tunnel, sequence)
	return datagram
}

// HeaderSeeds are data and control datagrams, whole and truncated.
func HeaderSeeds() [][]byte {
	whole := sealed(pairID, 7, seedPacket(false, true, 0, []byte("abcdefgh")))
	damaged := slices.Clone(whole)
	damaged[13]++
	return [][]byte{
		whole, damaged, whole[:30], whole[:17], nil,
		sealed(tunnelwire.ControlTunnel, 1, nil), sealed(1<<32-1, 1<<64-1, []byte{0x60}),
		sealed(pairID, 8, seedPacket(true, false, 0, []byte("abc"))),
	}
}

// InnerSeeds are packets: padded, truncated, fragmented, or with partial checksums.
func InnerSeeds() (seeds [][]byte) {
	kinds(func(ipv6, udp bool) {
		whole := seedPacket(ipv6, udp, 0, []byte("payload"))
		s, _ := slowSegment(whole)
		partial := slices.Clone(whole)
		binary.BigEndian.PutUint16(partial[len(s.ip)+s.checksumAt():], onesSum(s.pseudo()))
		seeds = append(seeds, whole, append(slices.Clone(whole), 0, 0, 0), whole[:len(whole)-3], partial)
	})
	fragment := seedPacket(false, true, 0, []byte("payload"))
	fragment[6] = 0x20
	jumbo := seedPacket(true, true, 0, nil)
	jumbo[4], jumbo[5] = 0, 0
	return append(seeds, fragment, jumbo, []byte{0x45}, nil)
}

// SplitSeeds are super-packets of each kind with their virtio_net_hdr.
func SplitSeeds() (seeds [][]byte) {
	kinds(func(ipv6, udp bool) {
		for _, kind := range []uint8{offload.GSONone, offload.GSOTCP4, offload.GSOTCP6, offload.GSOUDP, offload.GSOTCP4 | offload.GSOECN} {
			packet := seedPacket(ipv6, udp, 0, make([]byte, 600))
			if !udp {
				packet = seedPacket(ipv6, udp, 0, make([]byte, 600), timestamps())
			}
			s, _ := slowSegment(packet)
			if !udp {
				packet[len(s.ip)+13] |= 0x89 // CWR, PSH, FIN
			}
			h := make([]byte, offload.VirtioLen)
			offload.VirtioHeader{
				Flags: offload.NeedsChecksum, GSOType: kind, GSOSize: 100, ChecksumStart: uint16(len(s.ip)), ChecksumOffset: uint16(s.checksumAt()),
			}.Put(h)
			seeds = append(seeds, append(h, packet...))
		}
	})
	for _, h := range extensionHeaders() {
		for _, udp := range []bool{false, true} {
			seeds = append(seeds, extendedSuper(udp, h.kind, h.text))
		}
	}
	cut := extendedSuper(true, 0, nil)
	cut = cut[:offload.VirtioLen+40+4]
	cut[offload.VirtioLen+5] = 4
	cut[offload.VirtioLen+4] = 0
	return append(seeds, cut, sumsToZero(), make([]byte, offload.VirtioLen), nil)
}

// extensionHeader is an IPv6 extension header without its first byte, which says what follows.
type extensionHeader struct {
	kind byte
	text []byte
}

// extensionHeaders are options, routing headers of all kinds, and headers that are not whole.
func extensionHeaders() []extensionHeader {
	const hopByHop, routing, options = 0, 43, 60
	padding := []byte{0, 1, 4, 0, 0, 0, 0}
	through := func(kind, left byte) []byte {
		return append([]byte{2, kind, left, 0, 0, 0, 0}, net.ParseIP("2001:2:0:1::9")...)
	}
	return []extensionHeader{
		{hopByHop, padding}, {options, padding}, {routing, through(2, 1)}, {routing, through(4, 1)}, {routing, through(4, 0)},
		{routing, through(0, 1)}, {routing, []byte{0, 4, 1, 0, 0, 0, 0}}, {options, []byte{255, 1, 4, 0, 0, 0, 0}},
	}
}

// extendedSuper is an IPv6 super-packet with an extension header and its virtio_net_hdr.
func extendedSuper(udp bool, kind byte, text []byte) []byte {
	packet := seedPacket(true, udp, 0, make([]byte, 300))
	header := append([]byte{packet[6]}, text...)
	packet[6] = kind
	packet = slices.Concat(packet[:40], header, packet[40:])
	binary.BigEndian.PutUint16(packet[4:], uint16(len(packet)-40))
	start, checksum, gso := uint16(40+len(header)), uint16(16), uint8(offload.GSOTCP6)
	if udp {
		checksum, gso = 6, offload.GSOUDP
	}
	h := make([]byte, offload.VirtioLen)
	offload.VirtioHeader{Flags: offload.NeedsChecksum, GSOType: gso, GSOSize: 100, ChecksumStart: start, ChecksumOffset: checksum}.Put(h)
	return append(h, packet...)
}

// sumsToZero is a UDP packet whose computed checksum is 0, which is sent as 0xffff (RFC 768).
func sumsToZero() []byte {
	packet := seedPacket(false, true, 0, []byte{0, 0})
	copy(packet[28:], packet[26:28])
	h := make([]byte, offload.VirtioLen)
	offload.VirtioHeader{Flags: offload.NeedsChecksum, GSOType: offload.GSOUDP, GSOSize: 9, ChecksumStart: 20, ChecksumOffset: 6}.Put(h)
	return append(h, packet...)
}

// MergeSeeds are packets of one flow in sequence, and packets that almost continue a flow.
func MergeSeeds() (seeds [][]byte) {
	kinds(func(ipv6, udp bool) {
		row, tail := []byte{0}, []byte{1}
		for i := range 5 {
			size := 30
			if i == 3 {
				size = 20
			}
			p := seedPacket(ipv6, udp, i, make([]byte, size))
			if i == 2 && !udp {
				p[len(p)-size-20+13] |= 8 // PSH; the harness corrects the checksum
			}
			row = binary.BigEndian.AppendUint16(row, uint16(len(p)))
			row = append(row, p...)
		}
		seeds = append(seeds, row, append(tail, row[1:]...))
	})
	unrelated := []byte{1}
	for _, p := range [][]byte{seedPacket(false, true, 0, make([]byte, 9)), []byte("no packet"), seedPacket(false, true, 1, make([]byte, 9))} {
		unrelated = binary.BigEndian.AppendUint16(unrelated, uint16(len(p)))
		unrelated = append(unrelated, p...)
	}
	return append(seeds, unrelated, append([]byte{0}, make([]byte, 400)...), nil) // the one before nil: 200 empty packets
}

// WindowSeeds are sequence numbers that rise, jump, fall back and repeat.
func WindowSeeds() [][]byte {
	up := slices.Repeat([]byte{0, 0, 0}, 200)
	return [][]byte{
		up, append(slices.Clone(up), 3, 0, 5, 3, 0, 5, 3, 0xff, 0xff),
		{2, 0x20, 0, 3, 0x1f, 0xc0, 3, 0x1f, 0xbf, 5, 0, 0, 5, 0, 1, 5, 0, 2, 5, 0, 3, 5, 0, 4},
		append([]byte{7, 0, 255, 8, 0, 1, 8, 0, 0}, slices.Repeat([]byte{8, 0, 1}, tunnelwire.RestartRow)...), // a peer with its clock behind
		{8, 0, 0, 0, 0, 0, 3, 0, 1, 6, 0, 1, 7, 0, 9}, {4, 0, 63, 4, 0, 64, 4, 0, 1, 3, 0, 64, 3, 0, 63},
	}
}

// DecapSeeds are datagrams of peers and unknown sources, single and in UDP_GRO messages.
func DecapSeeds() [][]byte {
	small := sealed(pairID, 5, seedPacket(false, true, 0, []byte("abc")))
	other := sealed(pairID, 6, seedPacket(false, true, 1, []byte("xyz")))
	v6 := sealed(pairID, 7, seedPacket(true, false, 0, []byte("abc")))
	n := byte(len(small))
	row := slices.Concat(small, other, small)
	third := sealed(thirdID, 1, seedPacket(false, true, 0, nil))
	third[18+12+2], third[18+12+3] = 7, 3 // from 198.19.7.3
	tunnelwire.PutHeader(third, thirdID, 1)
	return [][]byte{
		append([]byte{0, 0, 0}, small...), append([]byte{0, 0, n}, row...), append([]byte{1, 0, n}, row...),
		append([]byte{0, 0, n}, append(row, other[:20]...)...), append([]byte{4, 0, 0}, small...), append([]byte{2, 0, 0}, third...),
		append([]byte{2, 0, 0}, small...), append([]byte{0, 0, 0}, v6...), append([]byte{1, 0, 0}, sealed(pairID, 9, []byte("no packet of any kind"))...),
		append([]byte{0, 0, 0}, sealed(pairID, 9, make([]byte, 1501))...), {0, 0, 0}, {0, 0, 1, 1, 2, 3}, fullRow(),
	}
}

// fullRow is a message with more datagrams than one delivery holds.
func fullRow() []byte {
	packet := seedPacket(false, true, 0, nil)
	row := []byte{0, 0, byte(tunnelwire.HeaderLen + len(packet))}
	for i := range uint64(offload.MergeMax + 4) {
		row = append(row, sealed(pairID, i+1, packet)...)
	}
	return row
}

// EndsSeeds are programs that together use every step of Ends.
func EndsSeeds() [][]byte {
	both := []byte{0, 1, 4, 0, 0x80, 2, 0x84, 0}
	all := []byte{0, 9}
	for op := byte(4); op < 16; op++ {
		all = append(all, 0, op*16+1, op, 3, 0x80, op, op|0x80, 7)
	}
	return [][]byte{
		both, all, slices.Repeat([]byte{0, 40, 9, 0, 4, 0, 4, 0}, 20), slices.Repeat([]byte{0, 200, 15, 0, 4, 0}, 8),
		slices.Repeat([]byte{0, 3, 0, 4, 10, 1, 4, 0, 4, 0, 13, 0, 12, 30, 4, 0}, 5), {0, 255, 0, 183, 0, 7, 0, 15, 4, 0},
	}
}

// DescriptorSeeds are frames inside, at the edge of and beyond the memory, and some whose end overflows 64 bits.
func DescriptorSeeds() (seeds [][]byte) {
	for _, d := range []struct {
		start uint64
		n     uint32
	}{{0, 4}, {4, 4}, {5, 4}, {8, 0}, {9, 0}, {1<<64 - 4, 8}, {1<<64 - 1, 1<<32 - 1}} {
		p := binary.BigEndian.AppendUint64(nil, d.start)
		seeds = append(seeds, append(binary.BigEndian.AppendUint32(p, d.n), 1, 2, 3, 4, 5, 6, 7, 8))
	}
	return seeds
}

// SignatureSeeds are a signature: whole, truncated, and followed by a payload.
func SignatureSeeds() [][]byte {
	whole := make([]byte, signature.Len)
	signature.Signature{Trial: 7, Stream: 1, Sequence: 42, SentAt: 1 << 40}.Put(whole)
	return [][]byte{whole, append(slices.Clone(whole), 18, 19, 20), whole[:signature.Len-1], nil}
}

// LayerSeeds are packets of the tunnels that gopacket decodes. All layers share the list, since the
// tunnels nest.
func LayerSeeds() [][]byte {
	packet := seedPacket(false, true, 0, []byte("payload"))
	ethernet := seedLayers(&layers.Ethernet{SrcMAC: make(net.HardwareAddr, 6), DstMAC: make(net.HardwareAddr, 6), EthernetType: layers.EthernetTypeIPv4}, gopacket.Payload(packet))
	gre := seedLayers(&layers.GRE{Protocol: layers.EthernetTypeIPv4, KeyPresent: true, Key: 1, SeqPresent: true, ChecksumPresent: true}, gopacket.Payload(packet))
	routed := append([]byte{0x40, 0, 8, 0, 0, 0, 0, 0, 8, 0, 0, 4, 1, 2, 3, 4, 0, 0, 0, 0}, packet...) // RFC 1701 section 3
	return [][]byte{
		packet, seedPacket(true, false, 0, []byte("payload"), timestamps()), gre, routed,
		append([]byte{8, 0, 0, 0, 0, 0, 7, 0}, ethernet...),                                                            // VXLAN
		append([]byte{1, 0, 0x65, 0x58, 0, 0, 7, 0, 1, 2, 3, 0}, ethernet...),                                          // Geneve, with an option
		append([]byte{0x30, 0xff, 0, byte(len(packet)), 0, 0, 0, 1}, packet...),                                        // GTP-U
		append([]byte{0x34, 0xff, 0, byte(len(packet) + 8), 0, 0, 0, 1, 0, 0, 0, 0x85, 1, 0, 0, 0}, packet...),         // and an extension header
		append([]byte{0x12, 0xb5, 0x12, 0xb5, 0, byte(16 + len(ethernet)), 0, 0, 8, 0, 0, 0, 0, 0, 7, 0}, ethernet...), // UDP with VXLAN
		append([]byte{0x60, 0, 0, 0, 0, 16, 0, 9}, make([]byte, 48)...),                                                // IPv6, hop by hop options
		nil,
	}
}
