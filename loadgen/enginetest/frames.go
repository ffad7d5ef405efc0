package enginetest

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/loadgen/signature"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Frame returns a frame of the plan's first stream with the signature s. The frame is like a sent frame,
// but its UDP checksum is wrong.
func Frame(t testing.TB, p loadgen.Plan, s signature.Signature) []byte {
	t.Helper()
	frame, err := p.Streams[0].Template(p.Size.OnVeth(), 0, int(s.Trial))
	if err != nil {
		t.Fatal(err)
	}
	s.Put(frame[p.Streams[0].Layout().Payload:])
	return frame
}

// ReceiverCases returns frames that test the receiver of an engine. The size of valid frames is 200
// bytes. The test passes the frames to the receiver at the time now or soon after it.
func ReceiverCases(t *testing.T, p loadgen.Plan, trial uint16, now uint64) [][]byte {
	offPayload := p.Streams[0].Layout().Payload
	good := func(sequence uint32) []byte {
		return Frame(t, p, signature.Signature{Trial: trial, Sequence: sequence, SentAt: now})
	}
	damaged := func(at int) []byte {
		frame := good(50)
		frame[at] ^= 1
		return frame
	}
	late := Frame(t, p, signature.Signature{Trial: trial, Sequence: 60, SentAt: now - uint64(p.LossTimeout) - 1e6})
	future := Frame(t, p, signature.Signature{Trial: trial, Sequence: 61, SentAt: now + uint64(time.Hour)})
	beyond := Frame(t, p, signature.Signature{Trial: trial, Sequence: uint32(p.Load.Frames(p.Duration)), SentAt: now})
	return [][]byte{
		good(0), good(1), good(3), good(2), // 2 is reordered
		good(2), good(0), // duplicated
		good(64), good(63), good(10), // 63 and 10 are reordered
		late, // late, not duplicated
		Frame(t, p, signature.Signature{Trial: trial - 1, Sequence: 5, SentAt: now}),        // stale
		Frame(t, p, signature.Signature{Trial: trial, Stream: 1, Sequence: 5, SentAt: now}), // of the other stream
		bytes.Repeat([]byte{7}, 100),                                                                                    // foreign
		make([]byte, 14),                                                                                                // foreign, and short
		damaged(offPayload + signature.Len - 1), damaged(offPayload + signature.ConstantLen), damaged(len(good(0)) - 1), // corrupted
		damaged(offPayload + signature.Len), damaged(offPayload + 90), good(51)[:190], // corrupted
		future, beyond, // corrupted, because no sender sent these frames
	}
}

// CheckCases checks the ledger of a receiver that has received the frames of ReceiverCases.
func CheckCases(t *testing.T, got loadgen.StreamLedger) {
	t.Helper()
	want := rfc2544.Counts{Received: 7, Late: 1, Duplicated: 2, Reordered: 4, Corrupted: 8, Stale: 1, Foreign: 3}
	want.Intended, want.Offered, want.Lost = got.Intended, got.Offered, got.Offered-want.Received
	if diff := cmp.Diff(want, got.Counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if got.Latency.N != 8 {
		t.Errorf("latency of %d frames, want all 8 distinct ones", got.Latency.N)
	}
}

// Decoded holds header fields of a frame as decoded by gopacket.
type Decoded struct {
	From, To netip.Addr
	Hops     uint8
	UDP      *layers.UDP
}

// Decode decodes a frame with gopacket and verifies its lengths and checksums.
func Decode(t *testing.T, frame []byte) (d Decoded) {
	t.Helper()
	p := gopacket.NewPacket(frame, layers.LayerTypeEthernet, gopacket.Default)
	if p.ErrorLayer() != nil || p.TransportLayer() == nil || p.Metadata().Truncated {
		t.Fatalf("%d bytes: does not decode: %v", len(frame), p)
	}
	length := 0
	switch ip := p.NetworkLayer().(type) {
	case *layers.IPv4:
		d.From, d.To, d.Hops, length = netip.AddrFrom4([4]byte(ip.SrcIP)), netip.AddrFrom4([4]byte(ip.DstIP)), ip.TTL, int(ip.Length)
	case *layers.IPv6:
		d.From, d.To, d.Hops, length = netip.AddrFrom16([16]byte(ip.SrcIP)), netip.AddrFrom16([16]byte(ip.DstIP)), ip.HopLimit, int(ip.Length)+40
	}
	d.UDP = p.TransportLayer().(*layers.UDP)
	if length != len(frame)-14 || int(d.UDP.Length) != len(d.UDP.Payload)+8 {
		t.Errorf("%d bytes: the IP packet says %d, UDP %d of %d", len(frame), length, d.UDP.Length, len(d.UDP.Payload))
	}
	if err := d.UDP.SetNetworkLayerForChecksum(p.NetworkLayer()); err != nil {
		t.Fatal(err)
	}
	if d.UDP.Checksum == 0 {
		t.Errorf("%d bytes: no UDP checksum", len(frame))
	}
	for _, layer := range p.Layers() {
		sum, ok := layer.(gopacket.LayerWithChecksum)
		if !ok {
			continue
		}
		if err, got := sum.VerifyChecksum(); err != nil || !got.Valid {
			t.Errorf("%d bytes: %v checksum %#x, want %#x (%v)", len(frame), layer.LayerType(), got.Actual, got.Correct, err)
		}
	}
	return d
}
