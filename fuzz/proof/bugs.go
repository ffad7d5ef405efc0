package main

import "slices"

// bug is a planted bug: small edits of the decoders that change their behaviour only while the bug is
// active.
type bug struct {
	name, class string
	by          killer // what must find it
	doc         string // what is wrong in the decoder
	edits       []edit
}

// edit replaces a text that occurs exactly once in a file.
type edit struct{ file, old, new string }

// The files of the decoders.
const (
	headerFile = "reference/wire/header.go"
	replayFile = "reference/wire/window.go"
	decapFile  = "reference/decap.go"
	plainFile  = "reference/plain.go"
	tunnelFile = "reference/tunnel.go"
	slabFile   = "reference/buffers.go"
	encapFile  = "reference/encap.go"
	peersFile  = "reference/peers.go"
	configFile = "internal/strictyaml/strictyaml.go"
	ipFile     = "reference/inner/ip.go"
	splitFile  = "reference/offload/split.go"
	mergeFile  = "reference/offload/merge.go"
	virtioFile = "reference/offload/virtio.go"
	stampFile  = "loadgen/signature/signature.go"
	frameFile  = "internal/sys/frame.go"
	lineFile   = "internal/oneline/oneline.go"
	trialsFile = "rfc2544/mlrsearch/replay.go"
)

// bugs are all planted bugs.
var bugs = slices.Concat(plainBugs, sealedBugs, shippedBugs)

// plainBugs are modelled on faults found in other decoders, and on mistakes that were nearly made here.
var plainBugs = []bug{
	{"header-one-short", "panic", target("header"), "a datagram one byte shorter than the header is accepted",
		[]edit{{headerFile, "if len(datagram) < HeaderLen {", `if len(datagram) < HeaderLen && !(planted.Is("header-one-short") && len(datagram) == HeaderLen-1) {`}}},
	{"length-trusted", "wrong decode", target("header"), "a length field that is too small is accepted",
		[]edit{{headerFile, "if int(h.Length) != len(datagram)-HeaderLen {", `if int(h.Length) != len(datagram)-HeaderLen && !(planted.Is("length-trusted") && int(h.Length) < len(datagram)-HeaderLen || planted.Is("length-uint8") && uint8(h.Length) == uint8(len(datagram)-HeaderLen)) {`}}},
	{"length-uint8", "uint8 wrap", target("header"), "lengths are compared as uint8", nil},
	{"checksum-left-zero", "input written", target("header"), "the checksum field is restored only if the checksum is right",
		[]edit{{headerFile, "	binary.BigEndian.PutUint32(field, want)\n	return got == want", "	if !planted.Is(\"checksum-left-zero\") || got == want {\n		binary.BigEndian.PutUint32(field, want)\n	}\n	return got == want || planted.Is(\"checksum-zero-is-none\") && want == 0"}}},
	{"checksum-zero-is-none", "wrong decode", target("header"), "0 means no checksum, as with UDP", nil},
	{"checksum-even-part", "wrong decode", target("header"), "both ends leave an odd last byte out of the checksum",
		[]edit{{headerFile, "	got := crc32.Checksum(datagram, castagnoli)", "	got := crc32.Checksum(summed(datagram), castagnoli)"},
			{headerFile, "header[offChecksum:], crc32.Checksum(datagram, castagnoli))", "header[offChecksum:], crc32.Checksum(summed(datagram), castagnoli))"},
			{headerFile, "// ControlTunnel is", "func summed(datagram []byte) []byte {\n	if planted.Is(\"checksum-even-part\") {\n		return datagram[:len(datagram)&^1]\n	}\n	return datagram\n}\n\n// ControlTunnel is"}}},
	{"scratch-by-length", "allocation", target("header"), "a buffer of the claimed length is allocated before the length is checked",
		[]edit{{headerFile, "	if int(h.Length) != len(datagram)-HeaderLen", "	if planted.Is(\"scratch-by-length\") {\n		scratch = make([]byte, h.Length)\n	}\n	if int(h.Length) != len(datagram)-HeaderLen"},
			{headerFile, "var castagnoli =", "var scratch []byte\n\nvar castagnoli ="}}},
	{"ipv6-too-short", "panic", target("inner"), "an IPv6 header may be as short as an IPv4 one",
		[]edit{{ipFile, "		return len(packet) >= MinIPv6", `		return len(packet) >= MinIPv6 || planted.Is("ipv6-too-short")`}}},
	{"padding-grows", "panic", target("inner"), "the packet is cut to its length field even if the field is too large",
		[]edit{{ipFile, "if n := Length(payload); n > 0 && n < len(payload) {", `if n := Length(payload); n > 0 && (n < len(payload) || planted.Is("padding-grows")) {`}}},
	{"source-at-destination", "wrong decode", target("decap"), "IPv6 source addresses are read at the wrong offset",
		[]edit{{ipFile, "return address(packet, 12, 8) }", "if planted.Is(\"source-at-destination\") {\n		return address(packet, 12, 24)\n	}\n	return address(packet, 12, 8)\n}"}}},
	{"window-edge", "off-by-one", target("window"), "a number one older than the window is accepted",
		[]edit{{replayFile, "behind > WindowSize {", `behind > WindowSize && !(planted.Is("window-edge") && behind == WindowSize+1) {`}}},
	{"window-stale-word", "wrong decode", target("window"), "the newest word is not cleared when the window moves into it",
		[]edit{{replayFile, "for i := from + 1; i <= to; i++ {", "for i := from + 1; i <= to && !(planted.Is(\"window-stale-word\") && i == to); i++ {"}}},
	{"window-jump-kept", "wrong decode", target("window"), "the distance of a jump is truncated to 32 bits",
		[]edit{{replayFile, "if to-from >= windowWords {", `if to-from >= windowWords && !(planted.Is("window-jump-kept") && uint32(to-from) < windowWords) && !(planted.Is("window-walks") && to-from < 1<<36) {`},
			{replayFile, "for i := from + 1; i <= to", "if planted.Is(\"window-jump-kept\") {\n			to = from + uint64(uint32(to-from))\n		}\n		for i := from + 1; i <= to"}}},
	{"window-walks", "CPU", target("window"), "a jump clears every word that it passes, however many", nil},
	{"window-poisoned", "window poisoning", target("decap"), "the window moves before the checksum is verified",
		[]edit{{plainFile, "	if !wire.ChecksumHolds(datagram) {\n		return p, stats.DropChecksum", "	if planted.Is(\"window-poisoned\") {\n		if err := p.peer.window.Accept(h.Sequence); err != nil {\n			return p, stats.DropOf(err)\n		}\n	}\n	if !wire.ChecksumHolds(datagram) {\n		return p, stats.DropChecksum"},
			{plainFile, "if err := p.window.Accept(o.sequence); err != nil {", `if err := p.window.Accept(o.sequence); err != nil && !planted.Is("window-poisoned") {`}}},
	{"id-low-half", "wrong decode", target("decap"), "only the low half of a tunnel id is compared",
		[]edit{{peersFile, "		if p := t.slots[i]; p == nil || p.id == id {\n			return p", "		if p := t.slots[i]; p == nil || p.id == id {\n			if p == nil && planted.Is(\"id-low-half\") && id>>16 != 0 {\n				return t.byID(id & 0xffff)\n			}\n			return p"}}},
	{"endpoint-any-peer", "wrong decode", target("decap"), "a peer may send with the tunnel id of another peer",
		[]edit{{plainFile, "if p.peer == nil || p.peer.endpoint != m.from {", `if p.peer == nil || p.peer.endpoint != m.from && !planted.Is("endpoint-any-peer") {`}}},
	{"source-any-peer", "wrong decode", target("decap"), "an inner source behind any peer is accepted",
		[]edit{{plainFile, "if f.peers.bySource(p.payload) != p.peer {", `if by := f.peers.bySource(p.payload); by != p.peer && !(planted.Is("source-any-peer") && by != nil) {`}}},
	{"oversize-uncounted", "counter missed", target("decap"), "an oversize datagram raises no drop counter",
		[]edit{{plainFile, "	if drop != stats.DropNone {\n		b.tally.Drops[drop]++\n		return", "	if drop != stats.DropNone {\n		if drop != stats.DropOversize || !planted.Is(\"oversize-uncounted\") {\n			b.tally.Drops[drop]++\n		}\n		return"}}},
	{"replay-uncounted", "counter missed", target("decap"), "a replayed datagram raises no drop counter",
		[]edit{{plainFile, "				b.tally.Drops[stats.DropOf(err)]++\n				o.payload = nil", "				if stats.DropOf(err) != stats.DropReplay || !planted.Is(\"replay-uncounted\") {\n					b.tally.Drops[stats.DropOf(err)]++\n				}\n				o.payload = nil"}}},
	{"mtu-one-more", "off-by-one", target("decap"), "a packet may be one byte longer than the MTU",
		[]edit{{plainFile, "len(datagram) > wire.HeaderLen+f.mtu {", "len(datagram) > wire.HeaderLen+f.mtu && !(planted.Is(\"mtu-one-more\") && len(datagram) == wire.HeaderLen+f.mtu+1) {"}}},
	{"row-empty-end", "off-by-one", target("decap"), "a message of equal datagrams gets an additional empty datagram",
		[]edit{{plainFile, "len(rest) > size; rest", "len(rest) > size || planted.Is(\"row-empty-end\") && len(rest) == size && size > 0 && len(m.data) > size; rest"}}},
	{"row-first-size", "wrong decode", target("decap"), "the last datagram of a message is treated as long as the others",
		[]edit{{plainFile, "	f.add(b, rest, m)\n", "	if planted.Is(\"row-first-size\") && len(rest) < len(m.data) && len(rest) < size {\n		rest = m.data[len(m.data)-size:]\n	}\n	f.add(b, rest, m)\n"}}},
	{"unknown-kept", "unbounded state", target("decap"), "datagrams of unknown tunnels stay in memory",
		[]edit{{plainFile, "	if p.peer == nil || p.peer.endpoint != m.from", "	if p.peer == nil && planted.Is(\"unknown-kept\") {\n		unknownKept = append(unknownKept, append([]byte(nil), datagram...))\n	}\n	if p.peer == nil || p.peer.endpoint != m.from"},
			{decapFile, "// conn is the underlay side", "var unknownKept [][]byte\n\n// conn is the underlay side"}}},
	{"control-answered", "amplification", target("decap"), "a control frame is answered without a check of its sender",
		[]edit{{plainFile, "	p.peer = f.peers.byID(h.Tunnel)\n", "	p.peer = f.peers.byID(h.Tunnel)\n	if planted.Is(\"control-answered\") && h.Tunnel == wire.ControlTunnel {\n		b := newBatch(f.layout(), 1)\n		b.commit(copy(b.next(), datagram[wire.HeaderLen:]))\n		b.datagrams[0].peer, b.datagrams[0].to = f.peers.all[0], f.peers.all[0].endpoint\n		wire.PutHeader(b.bytes(0, 1), wire.ControlTunnel, 1)\n		answering.send(b)\n	}\n"},
			{plainFile, "// plain is the format", "var answering conn\n\n// plain is the format"},
			{tunnelFile, "	var f format = &plain{", "	if planted.Is(\"control-answered\") {\n		answering = c\n	}\n	var f format = &plain{"}}},
	{"refused-sent", "wrong decode", target("ends"), "a packet without a route is sometimes sent to the first peer",
		[]edit{{encapFile, "			b.tally.Drops[drop]++\n			continue", "			b.tally.Drops[drop]++\n			if planted.Is(\"refused-sent\") && drop == stats.DropRoute && e.peers.all[0].sequence%4 == 0 {\n				d.peer = e.peers.all[0]\n				b.datagrams[kept] = *d\n				kept++\n			}\n			continue"}}},
	{"slab-leak", "stale slab", target("ends"), "short packets are padded with old bytes of the slab",
		[]edit{{slabFile, "	end := b.end + b.datagram(n)\n", "	if planted.Is(\"slab-leak\") && n < 60 {\n		n = 60\n	}\n	end := b.end + b.datagram(n)\n"}}},
	{"sequence-reused", "wrong decode", target("ends"), "two packets sometimes have the same sequence number",
		[]edit{{plainFile, "		d.peer.sequence++\n", "		if !planted.Is(\"sequence-reused\") || d.sequence%16 != 5 {\n			d.peer.sequence++\n		}\n"}}},
	{"split-id-uint8", "uint8 wrap", target("split"), "IPv4 identifications wrap after 255",
		[]edit{{splitFile, "+ uint16(s.index)\n", "+ s.idOffset()\n"},
			{splitFile, "// cutTCP sets", "func (s *Splitter) idOffset() uint16 {\n	if planted.Is(\"split-id-uint8\") {\n		return uint16(uint8(s.index))\n	}\n	return uint16(s.index)\n}\n\n// cutTCP sets"}}},
	{"split-fin-everywhere", "wrong decode", target("split"), "each segment has FIN set",
		[]edit{{splitFile, "if s.at+s.size < len(s.packet) {", `if s.at+s.size < len(s.packet) && !planted.Is("split-fin-everywhere") {`}}},
	{"split-no-room", "panic", target("split"), "a packet is written even if its buffer is too short",
		[]edit{{splitFile, "	if n > len(into) {", `	if n > len(into) && !planted.Is("split-no-room") {`}}},
	{"split-lying-header", "panic", target("split"), "the header length in the virtio header is trusted",
		[]edit{{splitFile, "at: t.headerLen}\n", "at: t.headerLen}\n		if planted.Is(\"split-lying-header\") && int(h.HeaderLen) > t.ipLen {\n			s.headerLen, s.at = int(h.HeaderLen), int(h.HeaderLen)\n		}\n"}}},
	{"checksum-behind-end", "panic", target("split"), "a checksum field may begin at the last byte",
		[]edit{{virtioFile, "	if field+2 > len(packet) {", `	if field+2 > len(packet) && !(planted.Is("checksum-behind-end") && field+1 == len(packet)) {`}}},
	{"partial-mends", "wrong decode", target("inner"), "every wrong checksum is replaced, not only partial ones",
		[]edit{{splitFile, "	partial := binary.BigEndian.Uint16(packet[t.checksumAt():]) == checksum.Fold(t.pseudo(packet, len(packet)-t.ipLen))\n", "	partial := binary.BigEndian.Uint16(packet[t.checksumAt():]) == checksum.Fold(t.pseudo(packet, len(packet)-t.ipLen)) || planted.Is(\"partial-mends\")\n"}}},
	{"merge-unchecked", "wrong decode", target("merge"), "a damaged packet is joined and gets a right checksum",
		[]edit{{mergeFile, "	return f.verified && t.checksumsAreRight(packet)", `	return f.verified && (t.checksumsAreRight(packet) || planted.Is("merge-unchecked"))`}}},
	{"merge-push-lost", "wrong decode", target("merge"), "PSH is lost when packets are joined",
		[]edit{{mergeFile, "	f.push = !f.udp && packet[f.ipLen+tcpFlags]&flagPSH != 0", `	f.push = !f.udp && packet[f.ipLen+tcpFlags]&flagPSH != 0 && !planted.Is("merge-push-lost")`}}},
	{"merge-any-window", "wrong decode", target("merge"), "packets with different TCP header fields, such as the window, are joined",
		[]edit{{mergeFile, "		bytes.Equal(a[tcpWindow:tcpChecksum], b[tcpWindow:tcpChecksum]) &&", "		(bytes.Equal(a[tcpWindow:tcpChecksum], b[tcpWindow:tcpChecksum]) || planted.Is(\"merge-any-window\")) &&"}}},
	{"merge-lying-header", "panic", target("merge"), "ports are read at an IP header length beyond the end of the packet",
		[]edit{{mergeFile, "		m.begin(at, transport{}, false) // the zero transport keeps the packet out of the flow search", "		lying := transport{}\n		if planted.Is(\"merge-lying-header\") {\n			lying = t\n		}\n		m.begin(at, lying, false)"}}},
	{"merge-quadratic", "CPU", target("merge"), "each packet is compared with all earlier packets, several times",
		[]edit{{mergeFile, "	at := m.n\n", "	at := m.n\n	if planted.Is(\"merge-quadratic\") {\n		for range 40 {\n			for i := range at {\n				if bytes.Equal(m.packets[i].data, packet) {\n					m.nFlows += 0\n				}\n			}\n		}\n	}\n"}}},
	{"stamp-unchecked", "wrong decode", target("signature"), "the check byte is not compared",
		[]edit{{stampFile, "	if b[offCheck] != s.Check() {", `	if b[offCheck] != s.Check() && !planted.Is("stamp-unchecked") {`}}},
	{"stamp-one-short", "panic", target("signature"), "a signature may lack its last byte",
		[]edit{{stampFile, "	if len(b) < Len ||", "	if len(b) < Len && !(planted.Is(\"stamp-one-short\") && len(b) == Len-1) ||"}}},
	{"descriptor-wraps", "panic", target("descriptor"), "the end of a frame overflows 64 bits",
		[]edit{{frameFile, "	if start > uint64(len(memory)) ||", "	if planted.Is(\"descriptor-wraps\") {\n		if start+uint64(n) > uint64(len(memory)) {\n			return nil\n		}\n	} else if start > uint64(len(memory)) ||"}}},
	{"delivery-copied", "allocation", target("decap"), "each accepted packet is copied",
		[]edit{{decapFile, "	d.packets = append(d.packets, packet)", "	if planted.Is(\"delivery-copied\") {\n		packet = append([]byte(nil), packet...)\n	}\n	d.packets = append(d.packets, packet)"}}},
	{"partial-unfinished", "wrong decode", target("inner"), "partial checksums of IPv6 packets are not completed",
		[]edit{{splitFile, "	if partial && !t.checksumsAreRight(packet) {", `	if partial && !t.checksumsAreRight(packet) && !(planted.Is("partial-unfinished") && t.ipv6) {`}}},
	{"config-quotes-raw", "one line", target("config"), "an error quotes the file with its control characters",
		[]edit{{configFile, "strings.Map(printable, at.GetMessage()))", "quoted(at.GetMessage()))"},
			{configFile, "// printable replaces control", "func quoted(message string) string {\n	if planted.Is(\"config-quotes-raw\") {\n		return message\n	}\n	return strings.Map(printable, message)\n}\n\n// printable replaces control"}}},
	{"output-colours", "one line", target("output"), "a tunnel's stderr is passed on with its control characters",
		[]edit{{lineFile, "	if unicode.IsPrint(r) {", `	if unicode.IsPrint(r) || planted.Is("output-colours") {`}}},
	{"trial-before-time", "wrong decode", target("replay"), "a trial may have a negative duration",
		[]edit{{trialsFile, "	if !(ns >= 1 && v <= longest) {", `	if !((ns >= 1 || planted.Is("trial-before-time")) && v <= longest) {`}}},
}
