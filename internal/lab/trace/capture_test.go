package trace

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// packetFor returns an Ethernet frame with a UDP datagram of n octets of payload.
func packetFor(t *testing.T, n int) []byte {
	t.Helper()
	ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolUDP, SrcIP: []byte{192, 0, 2, 1}, DstIP: []byte{192, 0, 2, 2}}
	udp := &layers.UDP{SrcPort: 1, DstPort: 2}
	if err := udp.SetNetworkLayerForChecksum(ip); err != nil {
		t.Fatal(err)
	}
	b := gopacket.NewSerializeBuffer()
	err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true},
		&layers.Ethernet{SrcMAC: make([]byte, 6), DstMAC: make([]byte, 6), EthernetType: layers.EthernetTypeIPv4}, ip, udp, gopacket.Payload(make([]byte, n)))
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func captureOf(t *testing.T) Capture {
	t.Helper()
	var l log
	l.see(10, 0, leftLAN, 0xa, 0)
	l.see(1040, 0, leftWAN, 0xb, 1)
	l.see(1041, 1, leftWAN, 0xb, 2)
	l.see(1090, 0, testerIn, 0, 0)
	l.drop(1095, 0xb, 5)
	super := packetFor(t, 200)
	snaps := make([]byte, len(l.events)*snapLen)
	copy(snaps, packetFor(t, 18))
	for i := 1; i < 3; i++ {
		copy(snaps[i*snapLen:], super)
		l.events[i].detail = 42 + 100
	}
	l.events[0].detail = 60
	j := join(l.events, tunnelPlaces)
	way := pathOf(j.frames, tunnelPlaces, rfc2544.Forward)
	return Capture{joined: j, events: l.events, snaps: bytes.NewReader(snaps), places: tunnelPlaces, ways: []path{way}, directions: []string{rfc2544.Forward}, epoch: time.Hour, nameOf: named}
}

// A capture has an interface for each of the network, the direction, and what is known of the frame. The
// segments of a super-packet have lengths and a checksum of their own.
func TestPcap(t *testing.T) {
	t.Parallel()
	var file bytes.Buffer
	if err := captureOf(t).WritePcap(&file); err != nil {
		t.Fatal(err)
	}
	r, err := pcapgo.NewNgReader(&file, pcapgo.NgReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for {
		data, info, options, err := r.ReadPacketDataWithOptions()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		about, err := r.Interface(info.InterfaceIndex)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, about.Name+" | "+strings.Join(options.Comments, "; "))
		if want := time.Unix(0, int64(time.Hour)+int64(10)); len(got) == 1 && !info.Timestamp.Equal(want) {
			t.Errorf("at %v, want %v", info.Timestamp, want)
		}
		if ip := binary.BigEndian.Uint16(data[16:]); len(got) > 1 && (ip != 128 || info.Length != 142) {
			t.Errorf("a segment of %d octets, in a frame of %d", ip, info.Length)
		}
		p := gopacket.NewPacket(data, layers.LayerTypeEthernet, gopacket.Default)
		if udp, ok := p.Layer(layers.LayerTypeUDP).(*layers.UDP); !ok || len(got) > 1 && (udp.Length != 108 || udp.Checksum != 0) {
			t.Errorf("%v", p)
		}
	}
	want := []string{
		"left lan | trial 7, stream 0, sequence number 0, 10 ns after it was sent",
		"left wan | trial 7, stream 0, sequence number 0, 1040 ns after it was sent",
		"left wan | trial 7, stream 0, sequence number 1, 41 ns after it was sent; lost after this point: NO_SOCKET",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// full is a file on a disk that has room for n octets.
type full struct {
	bytes.Buffer
	n int
}

var errFull = errors.New("no space left on device")

func (f *full) Write(p []byte) (int, error) {
	if f.Len()+len(p) > f.n {
		n, _ := f.Buffer.Write(p[:f.n-f.Len()])
		return n, errFull
	}
	return f.Buffer.Write(p)
}

func (f *full) Truncate(size int64) error {
	f.Buffer.Truncate(int(size))
	return nil
}

// On a full disk the error says so, and what is there can be read to its end, however much it is.
func TestPcapOnAFullDisk(t *testing.T) {
	t.Parallel()
	c := captureOf(t)
	for range 8 { // more than one write
		c.events = append(c.events, c.events...)
	}
	c.frames = nil // whose packets they are does not matter
	c.snaps = bytes.NewReader(make([]byte, len(c.events)*snapLen))
	var whole bytes.Buffer
	if err := c.WritePcap(&whole); err != nil {
		t.Fatal(err)
	}
	all := packetsIn(t, &whole)
	size, most := whole.Len(), 0
	for n := 0; n < size; n += size/25 + 1 {
		disk := &full{n: n}
		if err := c.WritePcap(disk); !errors.Is(err, errFull) {
			t.Fatalf("room for %d octets: error %v", n, err)
		}
		if disk.Len() > 0 {
			most = max(most, packetsIn(t, &disk.Buffer))
		}
	}
	if most < all/2 || most >= all {
		t.Errorf("at most %d of %d packets are there", most, all)
	}
}

// packetsIn returns the number of packets of a capture, which must end behind one.
func packetsIn(t *testing.T, file *bytes.Buffer) (n int) {
	t.Helper()
	r, err := pcapgo.NewNgReader(bytes.NewReader(file.Bytes()), pcapgo.NgReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for {
		_, _, err := r.ReadPacketData()
		if errors.Is(err, io.EOF) {
			return n
		}
		if err != nil {
			t.Fatalf("packet %d: %v", n, err)
		}
		n++
	}
}
