package wire

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/tunnelbench/tunnelbench/fuzz/oracle"
	"github.com/tunnelbench/tunnelbench/reference/offload"
)

// Split attacks the Splitter of a TUN device with a virtio_net_hdr and a packet.
func Split(data []byte) int {
	if len(data) < offload.VirtioLen || len(data) > offload.VirtioLen+offload.MaxSuper {
		return 0
	}
	h, packet := offload.ParseVirtio(data), oracle.Exact(data[offload.VirtioLen:])
	again := make([]byte, offload.VirtioLen)
	h.Put(again)
	if !bytes.Equal(again, data[:offload.VirtioLen]) {
		oracle.Fail(oracle.RoundTrip, "%+v is written as % x", h, again)
	}
	checkFinishChecksum(h, packet)
	var s offload.Splitter
	started := s.Start(h, packet)
	want, ok := slowSplit(h, packet)
	oracle.Agree("Start", started, ok)
	if !started {
		oracle.Agree("More after a refused Start", s.More(), false)
		return 0
	}
	into := make([]byte, offload.MaxSuper+1)
	for i, part := range want {
		if !s.More() {
			oracle.Fail(oracle.Agreement, "%d packets, want %d", i, len(want))
		}
		// the byte after the buffer must not be written
		marked := into[:len(part)+1]
		marked[len(part)] = 0xa5
		if got := into[:s.Next(marked[:len(part):len(part)])]; !bytes.Equal(got, part) || marked[len(part)] != 0xa5 {
			oracle.Fail(oracle.Agreement, "packet %d of %d is\n% x, want\n% x", i, len(want), got, part)
		}
	}
	oracle.Agree("More after the last packet", s.More(), false)
	oracle.Untouched(packet, data[offload.VirtioLen:])
	checkShortBuffer(h, packet, len(want[0]))
	if oracle.Sampled(data, Costly) {
		cut := func() {
			for s.Start(h, packet); s.More(); {
				s.Next(into)
			}
		}
		oracle.Allocates(0, cut)
		// each packet costs a header
		oracle.Takes(oracle.Budget(len(packet)+len(want)*120), cut)
	}
	return 1
}

// checkShortBuffer checks that a buffer that is too short ends the split and nothing is written.
func checkShortBuffer(h offload.VirtioHeader, packet []byte, first int) {
	var s offload.Splitter
	s.Start(h, packet)
	if n := s.Next(make([]byte, first-1)); n != 0 || s.More() {
		oracle.Fail(oracle.Agreement, "a packet of %d bytes was written into a buffer of %d", first, first-1)
	}
}

// checkFinishChecksum checks that FinishChecksum writes only the checksum field, and the right sum.
func checkFinishChecksum(h offload.VirtioHeader, packet []byte) {
	field := int(h.ChecksumStart) + int(h.ChecksumOffset)
	p := oracle.Exact(packet)
	done := offload.FinishChecksum(p, h)
	oracle.Agree("FinishChecksum", done, field+2 <= len(p))
	if !done {
		oracle.Untouched(p, packet)
		return
	}
	oracle.Untouched(p[:field], packet[:field])
	oracle.Untouched(p[field+2:], packet[field+2:])
	want := ^onesSum(packet[h.ChecksumStart:])
	if want == 0 {
		want = 0xffff
	}
	oracle.Agree("FinishChecksum", binary.BigEndian.Uint16(p[field:]), want)
}

// slowSplit splits a super-packet as a network card does (TSO, USO).
func slowSplit(h offload.VirtioHeader, packet []byte) (parts [][]byte, ok bool) {
	s, ok := slowSegment(packet)
	kind := h.GSOType &^ offload.GSOECN
	switch {
	case !ok, len(s.payload) == 0, h.GSOSize == 0, h.Flags&offload.NeedsChecksum == 0:
		return nil, false
	case int(h.ChecksumStart) != len(s.ip), int(h.ChecksumOffset) != s.checksumAt():
		return nil, false
	case s.udp && h.GSOType != offload.GSOUDP, !s.udp && s.ipv6 && kind != offload.GSOTCP6, !s.udp && !s.ipv6 && kind != offload.GSOTCP4:
		return nil, false
	}
	chunks := slices.Collect(slices.Chunk(s.payload, int(h.GSOSize)))
	at := 0
	for i, chunk := range chunks {
		part := s
		part.ip, part.transport, part.payload = slices.Clone(s.ip), slices.Clone(s.transport), chunk
		if !s.ipv6 {
			binary.BigEndian.PutUint16(part.ip[4:], uint16(be(s.ip, 4, 2))+uint16(i))
		}
		if !s.udp {
			binary.BigEndian.PutUint32(part.transport[4:], uint32(be(s.transport, 4, 4))+uint32(at))
			if i < len(chunks)-1 {
				part.transport[13] &^= 0x09 // FIN, PSH: RFC 9293 section 3.1
			}
			if i > 0 {
				part.transport[13] &^= 0x80 // CWR: RFC 3168 section 6.1.2
			}
		}
		at += len(chunk)
		parts = append(parts, part.build())
	}
	return parts, true
}
