package loadgen

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"

	"github.com/tunnelbench/tunnelbench/internal/checksum"
	"github.com/tunnelbench/tunnelbench/loadgen/signature"
)

// HeadMax is the longest Layout.HeadLen.
const HeadMax = 36

// Flow is one of a stream's flows: the bytes of the headers that it has for
// itself, as Layout.Head says, and the sum of all that UDP's checksum covers.
type Flow struct {
	Head   [HeadMax]byte
	UDPSum uint16 // partial one's complement sum, the signature's check, sequence and time left out
}

// FlowLen is the length of a flow as the kernel's half keeps it.
const FlowLen = HeadMax + 4

// Append adds the flow in the layout of struct flow in tester.h.
func (f Flow) Append(b []byte) []byte {
	b = append(b, f.Head[:]...)
	return append(binary.NativeEndian.AppendUint16(b, f.UDPSum), 0, 0)
}

// flows are the plan's flows of s: the RFC's one, or ports pseudorandom and
// uniform over the ranges of RFC 4814 section 4.5; the networks take turns, in
// an order that is random as well. Network n of one side talks to network n of the other, so that
// a device with a tunnel for each carries them all. The same seed gives the same flows.
func (s Stream) flows(p Plan, number int, template []byte) []Flow {
	const networkStreams = 2 // so that networks and ports are drawn apart
	ports := rand.New(rand.NewPCG(p.Seed, uint64(number)))
	networks := rand.New(rand.NewPCG(p.Seed, uint64(networkStreams+number)))
	order := networks.Perm(max(1, p.Networks))
	out := make([]Flow, p.Flows)
	for i := range out {
		source, destination := uint16(rfcSourcePort), uint16(rfcDestinationPort)
		if p.Flows > 1 {
			source, destination = uint16(1024+ports.IntN(65536-1024)), uint16(1+ports.IntN(49151))
		}
		network := order[i%len(order)]
		out[i] = s.flow(InNetwork(s.From.IP, network), InNetwork(s.To, network), source, destination, template)
	}
	return out
}

// InNetwork is the address in the network that is n further than its own: 198.18.n.2
// for 198.18.0.2 (RFC 2544 section 12), 2001:2:0:n::2 for 2001:2::2.
func InNetwork(a netip.Addr, n int) netip.Addr {
	const octet4, octet6 = 2, 7
	if a.Is6() {
		b := a.As16()
		b[octet6] += byte(n)
		return netip.AddrFrom16(b)
	}
	b := a.As4()
	b[octet4] += byte(n)
	return netip.AddrFrom4(b)
}

// flow is the one of these addresses and ports.
func (s Stream) flow(from, to netip.Addr, source, destination uint16, template []byte) (f Flow) {
	l := s.Layout()
	own := f.Head[l.addresses:l.addresses]
	own = append(append(own, from.AsSlice()...), to.AsSlice()...)
	own = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(own, source), destination)
	if from.Is4() {
		binary.BigEndian.PutUint16(f.Head[:], ^checksum.Fold(checksum.Sum(own[:8], checksum.Sum(template[l.ip:l.Head], 0))))
	}
	f.UDPSum = l.udpSum(own, template)
	return f
}

// udpSum sums what RFC 768 and RFC 8200 section 8.1 sum: pseudo header, ports,
// lengths, payload; the signature's check, sequence and time are left out, the
// sender adds them.
func (l Layout) udpSum(own, template []byte) uint16 {
	const protocolUDP = 17
	payload := template[l.Payload:]
	sum := protocolUDP + 2*uint64(len(template)-l.udp)
	sum = checksum.Sum(own, sum)
	sum = checksum.Sum(payload[:signature.ConstantLen], sum) // magic, trial, stream
	sum = checksum.Sum(payload[signature.Len:], sum)
	return checksum.Fold(sum)
}
