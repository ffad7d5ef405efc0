package loadgen

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"

	"github.com/tunnelbench/tunnelbench/internal/checksum"
	"github.com/tunnelbench/tunnelbench/loadgen/signature"
)

// HeadMax is the largest value of Layout.HeadLen in bytes.
const HeadMax = 36

// Flow is one flow of a stream. It holds the header bytes that differ between flows (see
// Layout.Head) and the constant part of the UDP checksum.
type Flow struct {
	Head   [HeadMax]byte
	UDPSum uint16 // one's complement sum without the check byte, sequence number and send time
}

// FlowLen is the size of struct flow in bpf/tester.h in bytes.
const FlowLen = HeadMax + 4

// Append appends the flow to b in the layout of struct flow in bpf/tester.h.
func (f Flow) Append(b []byte) []byte {
	b = append(b, f.Head[:]...)
	return append(binary.NativeEndian.AppendUint16(b, f.UDPSum), 0, 0)
}

// flows returns the plan's flows of stream s. A plan with one flow uses the ports of RFC 2544.
// Otherwise the ports are pseudorandom and uniformly distributed over the ranges of RFC 4814
// section 4.5. The flows use the networks in turn, in a pseudorandom order. A flow connects
// network n of one side with network n of the other side, so that a device with one tunnel for
// each network uses all tunnels. The same seed gives the same flows.
func (s Stream) flows(p Plan, number int, template []byte) []Flow {
	const networkStreams = 2 // gives the networks another random sequence than the ports
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

// InNetwork returns the address of the same host in the network whose number is n higher: 198.18.n.2
// for 198.18.0.2 (RFC 2544 section 12) and 2001:2:0:n::2 for 2001:2::2.
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

// flow returns the flow with the given addresses and ports.
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

// udpSum returns the one's complement sum of the fields that the UDP checksum covers (RFC 768, RFC
// 8200 section 8.1): pseudo header, ports, length and payload. It leaves out the check byte, the
// sequence number and the send time in the signature. The sender adds these for each frame.
func (l Layout) udpSum(own, template []byte) uint16 {
	const protocolUDP = 17
	payload := template[l.Payload:]
	sum := protocolUDP + 2*uint64(len(template)-l.udp)
	sum = checksum.Sum(own, sum)
	sum = checksum.Sum(payload[:signature.ConstantLen], sum) // magic, trial, stream
	sum = checksum.Sum(payload[signature.Len:], sum)
	return checksum.Fold(sum)
}
