package wire

import (
	"bytes"
	"net/netip"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"github.com/tunnelbench/tunnelbench/fuzz/oracle"
	"github.com/tunnelbench/tunnelbench/reference/inner"
	"github.com/tunnelbench/tunnelbench/reference/offload"
)

// Inner attacks the functions that look into an inner packet: IsIP, Source, Destination, Length and
// Unpadded.
func Inner(data []byte) int {
	packet := oracle.Exact(data)
	isIP := inner.IsIP(packet)
	oracle.Agree("IsIP", isIP, slowIsIP(data))
	cut := inner.Unpadded(packet)
	if !bytes.Equal(cut, data[:len(cut)]) || len(cut) < len(data) && len(cut) != inner.Length(packet) {
		oracle.Fail(oracle.Agreement, "%d of %d bytes remain without padding, the length field is %d", len(cut), len(data), inner.Length(packet))
	}
	checkFinishPartial(data)
	checkFinish(data)
	if !isIP {
		oracle.Agree("Length", inner.Length(packet), 0)
		return 0
	}
	from, to, length := inner.Source(packet), inner.Destination(packet), inner.Length(packet)
	kind := inner.EtherType(packet)
	oracle.Untouched(packet, data)
	slowFrom, slowTo, slowLength, slowKind := slowIP(data)
	oracle.Agree("Source", from, slowFrom)
	oracle.Agree("Destination", to, slowTo)
	oracle.Agree("Length", length, slowLength)
	oracle.Agree("EtherType", kind, slowKind)
	gopacketAgrees(data, from, to, length)
	if oracle.Sampled(data, Costly) {
		oracle.Allocates(0, func() { inner.Source(data); inner.Destination(data); inner.Length(data); inner.Unpadded(data) })
	}
	return 1
}

// slowIP reads the fields of an IP header (RFC 791, RFC 8200).
func slowIP(packet []byte) (from, to netip.Addr, length int, kind uint16) {
	if packet[0]/16 == 4 {
		from, _ = netip.AddrFromSlice(packet[12:16])
		to, _ = netip.AddrFromSlice(packet[16:20])
		return from, to, int(be(packet, 2, 2)), 0x0800
	}
	from, _ = netip.AddrFromSlice(packet[8:24])
	to, _ = netip.AddrFromSlice(packet[24:40])
	return from, to, 40 + int(be(packet, 4, 2)), 0x86dd
}

// gopacketAgrees compares the fields with gopacket's, for packets that gopacket accepts.
func gopacketAgrees(packet []byte, from, to netip.Addr, length int) {
	if packet[0]>>4 == 4 {
		var ip layers.IPv4
		if ip.DecodeFromBytes(packet, gopacket.NilDecodeFeedback) != nil {
			return
		}
		oracle.Agree("gopacket's source", from, netip.AddrFrom4([4]byte(ip.SrcIP)))
		oracle.Agree("gopacket's destination", to, netip.AddrFrom4([4]byte(ip.DstIP)))
		if length != 0 { // gopacket corrects a length of 0, which offloads may leave
			oracle.Agree("gopacket's length", length, int(ip.Length))
		}
		return
	}
	var ip layers.IPv6
	if ip.DecodeFromBytes(packet, gopacket.NilDecodeFeedback) != nil {
		return
	}
	oracle.Agree("gopacket's source", from, netip.AddrFrom16([16]byte(ip.SrcIP)))
	oracle.Agree("gopacket's destination", to, netip.AddrFrom16([16]byte(ip.DstIP)))
	if ip.HopByHop == nil { // a jumbogram has its length in an option (RFC 2675)
		oracle.Agree("gopacket's length", length, 40+int(ip.Length))
	}
}

// checkFinish checks that a second call of Finish changes nothing, and that it writes nothing but checksums: the IP
// header stays.
func checkFinish(data []byte) {
	packet := oracle.Exact(data)
	offload.Finish(packet)
	oracle.Untouched(packet[:min(20, len(packet))], data[:min(20, len(data))])
	again := oracle.Exact(packet)
	offload.Finish(again)
	oracle.Untouched(again, packet)
}

// checkFinishPartial checks FinishPartial: it writes only the checksum field, and only if the field
// holds the sum of the pseudo header. The checksum is then right and a second call changes nothing.
func checkFinishPartial(data []byte) {
	packet := oracle.Exact(data)
	offload.FinishPartial(packet)
	s, ok := slowSegment(data)
	if bytes.Equal(packet, data) {
		if ok && s.isPartial() {
			oracle.Fail(oracle.Agreement, "a partial checksum was not completed: % x", data)
		}
		return
	}
	if !ok {
		oracle.Fail(oracle.Input, "a packet that is not a TCP or UDP segment was changed: % x", data)
	}
	at := len(s.ip) + s.checksumAt()
	oracle.Untouched(packet[:at], data[:at])
	oracle.Untouched(packet[at+2:], data[at+2:])
	sum := s.pseudo()
	if onesSum(sum)%0xffff != uint16(be(data, at, 2))%0xffff {
		oracle.Fail(oracle.Input, "a checksum that is not partial was replaced: % x", data)
	}
	after, _ := slowSegment(packet)
	if onesSum(after.pseudo(), append(oracle.Exact(after.transport), after.payload...))%0xffff != 0 {
		oracle.Fail(oracle.Agreement, "a completed checksum is wrong: % x", packet)
	}
	again := oracle.Exact(packet)
	offload.FinishPartial(again)
	oracle.Untouched(again, packet)
}
