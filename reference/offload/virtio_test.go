package offload

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"net"
	"slices"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"github.com/tunnelbench/tunnelbench/internal/checksum"
	"github.com/tunnelbench/tunnelbench/reference/inner"
)

// flowOf generates the packets of one flow.
type flowOf struct {
	ipv6, udp bool
	port      uint16
	id        uint16
	sequence  uint32
	ttl       uint8
	flags     string // TCP flags besides ACK
	options   []layers.TCPOption
}

// next returns the next packet of the flow, made with gopacket.
func (f *flowOf) next(t testing.TB, payload []byte) []byte {
	t.Helper()
	var network gopacket.SerializableLayer
	var pseudo gopacket.NetworkLayer
	protocol := layers.IPProtocolTCP
	if f.udp {
		protocol = layers.IPProtocolUDP
	}
	ttl := f.ttl
	if ttl == 0 {
		ttl = 10
	}
	if f.ipv6 {
		ip := &layers.IPv6{Version: 6, HopLimit: ttl, NextHeader: protocol, SrcIP: net.ParseIP("2001:db8::1"), DstIP: net.ParseIP("2001:db8::2")}
		network, pseudo = ip, ip
	} else {
		ip := &layers.IPv4{Version: 4, TTL: ttl, Id: f.id, Protocol: protocol, SrcIP: net.IP{192, 0, 2, 1}, DstIP: net.IP{192, 0, 2, 2}}
		network, pseudo = ip, ip
	}
	parts := []gopacket.SerializableLayer{network}
	if f.udp {
		udp := &layers.UDP{SrcPort: layers.UDPPort(f.port), DstPort: 9}
		udp.SetNetworkLayerForChecksum(pseudo)
		parts = append(parts, udp)
	} else {
		tcp := &layers.TCP{
			SrcPort: layers.TCPPort(f.port), DstPort: 9, Seq: f.sequence, Ack: 77, ACK: true, Window: 1000, Options: f.options,
			PSH: f.flags == "PSH", FIN: f.flags == "FIN", CWR: f.flags == "CWR",
		}
		tcp.SetNetworkLayerForChecksum(pseudo)
		parts = append(parts, tcp)
	}
	f.id++
	f.sequence += uint32(len(payload))
	buffer := gopacket.NewSerializeBuffer()
	options := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	if err := gopacket.SerializeLayers(buffer, options, append(parts, gopacket.Payload(payload))...); err != nil {
		t.Fatal(err)
	}
	return slices.Clone(buffer.Bytes())
}

func kinds() (all []flowOf) {
	for _, ipv6 := range []bool{false, true} {
		for _, udp := range []bool{false, true} {
			all = append(all, flowOf{ipv6: ipv6, udp: udp, port: 1000, id: 65530, sequence: 1<<32 - 3000})
		}
	}
	return append(all, flowOf{port: 1, options: []layers.TCPOption{{OptionType: 8, OptionLength: 10, OptionData: make([]byte, 8)}}})
}

// split splits super-packets into packets.
func split(t testing.TB, supers []Super) (packets [][]byte) {
	t.Helper()
	for _, s := range supers {
		whole := bytes.Join(s.Parts, nil)
		if s.Packets == 1 {
			packets = append(packets, whole)
			continue
		}
		var cut Splitter
		if !cut.Start(s.Header, whole) {
			t.Fatalf("%d joined packets cannot be split: %+v", s.Packets, s.Header)
		}
		for cut.More() {
			into := make([]byte, MaxSuper)
			packets = append(packets, into[:cut.Next(into)])
		}
	}
	return packets
}

// merged gives copies to a Merger, because it changes packets.
func merged(packets [][]byte) []Super {
	m := new(Merger)
	for _, p := range packets {
		m.Add(slices.Clone(p))
	}
	return m.Supers()
}

func random(rng *rand.Rand, n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(rng.Uint32())
	}
	return p
}

func TestMergeThenSplitIsTheSame(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range 400 {
		f := kinds()[round%len(kinds())]
		size, n := 1+rng.IntN(1400), 2+rng.IntN(MergeMax-2)
		n = max(2, min(n, 60000/size, maxJoined-1))
		var packets [][]byte
		for range n {
			packets = append(packets, f.next(t, random(rng, size)))
		}
		packets = append(packets, f.next(t, random(rng, 1+rng.IntN(size))))
		supers := merged(packets)
		if len(supers) != 1 || supers[0].Packets != len(packets) {
			t.Fatalf("round %d, %+v: %d packets of %d bytes became %d", round, f, len(packets), size, len(supers))
		}
		if got := split(t, supers); !slices.EqualFunc(got, packets, bytes.Equal) {
			t.Fatalf("round %d, %+v: split again they differ", round, f)
		}
	}
}

func TestSplitMakesWhatGopacketMakes(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, f := range kinds() {
		for _, flags := range []string{"", "PSH", "FIN", "CWR"} {
			if f.udp && flags != "" {
				continue
			}
			f, payload := f, random(rng, 5000)
			whole := f
			whole.flags = flags
			big := whole.next(t, payload)
			at := inner.MinIPv4
			if f.ipv6 {
				at = inner.MinIPv6
			}
			h := VirtioHeader{Flags: NeedsChecksum, GSOType: GSOTCP4, GSOSize: 1200, ChecksumStart: uint16(at), ChecksumOffset: tcpChecksum, HeaderLen: uint16(len(big))}
			switch {
			case f.udp:
				h.GSOType, h.ChecksumOffset = GSOUDP, udpChecksum
			case f.ipv6:
				h.GSOType = GSOTCP6
			}
			var cut Splitter
			if !cut.Start(h, big) {
				t.Fatalf("%+v is not split", f)
			}
			for from := 0; from < len(payload); from += 1200 {
				first, last := from == 0, from+1200 >= len(payload)
				f.flags = ""
				if first && flags == "CWR" || last && flags != "CWR" {
					f.flags = flags
				}
				want := f.next(t, payload[from:min(from+1200, len(payload))])
				into := make([]byte, 1500)
				if got := into[:cut.Next(into)]; !bytes.Equal(got, want) {
					t.Fatalf("%+v %s at %d:\n%x\nwant\n%x", f, flags, from, got[:60], want[:60])
				}
			}
			if cut.More() {
				t.Error("there is more")
			}
		}
	}
}

func TestSplitRefuses(t *testing.T) {
	f := flowOf{udp: true, port: 1}
	good := f.next(t, make([]byte, 3000))
	h := VirtioHeader{Flags: NeedsChecksum, GSOType: GSOUDP, GSOSize: 1000, ChecksumStart: inner.MinIPv4, ChecksumOffset: udpChecksum}
	for name, bend := range map[string]func(*VirtioHeader, []byte) []byte{
		"size 0":             func(h *VirtioHeader, p []byte) []byte { h.GSOSize = 0; return p },
		"another type":       func(h *VirtioHeader, p []byte) []byte { h.GSOType = GSOTCP4; return p },
		"unknown type":       func(h *VirtioHeader, p []byte) []byte { h.GSOType = 9; return p },
		"no checksum left":   func(h *VirtioHeader, p []byte) []byte { h.Flags = 0; return p },
		"checksum elsewhere": func(h *VirtioHeader, p []byte) []byte { h.ChecksumOffset = tcpChecksum; return p },
		"start elsewhere":    func(h *VirtioHeader, p []byte) []byte { h.ChecksumStart = 14; return p },
		"cut":                func(_ *VirtioHeader, p []byte) []byte { return p[:2000] },
		"a fragment":         func(_ *VirtioHeader, p []byte) []byte { p[6] = 0x20; return p },
		"only headers":       func(_ *VirtioHeader, p []byte) []byte { p[2], p[3] = 0, 28; return p[:28] },
		"nothing":            func(_ *VirtioHeader, p []byte) []byte { return nil },
	} {
		h := h
		p := bend(&h, slices.Clone(good))
		var s Splitter
		if s.Start(h, p) || s.More() {
			t.Errorf("%s: taken", name)
		}
	}
	var s Splitter
	if !s.Start(h, good) || s.Next(make([]byte, 900)) != 0 || s.More() {
		t.Error("the split continues after a packet that does not fit")
	}
}

func TestFinishChecksum(t *testing.T) {
	for _, f := range kinds() {
		whole := f.next(t, []byte("abc"))
		tr, _ := parseTransport(whole)
		h := VirtioHeader{Flags: NeedsChecksum, ChecksumStart: uint16(tr.ipLen), ChecksumOffset: uint16(tr.checksumAt() - tr.ipLen)}
		left := slices.Clone(whole)
		binary.BigEndian.PutUint16(left[tr.checksumAt():], checksum.Fold(tr.pseudo(left, len(left)-tr.ipLen)))
		if !FinishChecksum(left, h) || !bytes.Equal(left, whole) {
			t.Errorf("%+v: wrong checksum", f)
		}
		h.ChecksumOffset = uint16(len(whole))
		if FinishChecksum(left, h) {
			t.Error("a field after the end of the packet was written")
		}
	}
}

func TestFinishPartial(t *testing.T) {
	for _, f := range kinds() {
		whole := f.next(t, []byte("abc"))
		tr, _ := parseTransport(whole)
		p := slices.Clone(whole)
		if FinishPartial(p); !bytes.Equal(p, whole) {
			t.Errorf("%+v: a packet with a complete checksum was changed", f)
		}
		binary.BigEndian.PutUint16(p[tr.checksumAt():], checksum.Fold(tr.pseudo(p, len(p)-tr.ipLen)))
		if FinishPartial(p); !bytes.Equal(p, whole) {
			t.Errorf("%+v: not completed", f)
		}
		p[len(p)-1] ^= 1
		damaged := slices.Clone(p)
		if FinishPartial(p); !bytes.Equal(p, damaged) {
			t.Errorf("%+v: a damaged packet got a right checksum", f)
		}
	}
}

func TestOffloadsDoNotAllocate(t *testing.T) {
	f := flowOf{port: 1}
	var packets, work [][]byte
	for range MergeMax {
		packets = append(packets, f.next(t, make([]byte, 900)))
		work = append(work, make([]byte, len(packets[0])))
	}
	whole := bytes.Join(merged(packets)[0].Parts, nil)
	h := merged(packets)[0].Header
	m, into := new(Merger), make([]byte, 1500)
	if n := testing.AllocsPerRun(100, func() {
		m.Reset()
		for i, p := range packets {
			copy(work[i], p)
			m.Add(work[i])
		}
		m.Supers()
		var s Splitter
		for s.Start(h, whole); s.More(); {
			s.Next(into)
		}
	}); n != 0 {
		t.Errorf("joining and splitting a batch allocates %v times", n)
	}
}
