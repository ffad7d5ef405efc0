package netns

import "net/netip"

// The nodes and interfaces of Wire and Dual.
const (
	Tester = "tester"
	Left   = "left"
	Right  = "right"

	Port0 = "port0"
	Port1 = "port1"
	LAN   = "lan"
	WAN   = "wan"
)

// Addresses. The LAN side uses the benchmarking block 198.18.0.0/15 (RFC 2544 appendix C.2.2), and
// IPv6 uses the benchmarking block 2001:2::/48 (RFC 5180 section 8 with erratum 1752). The WAN side
// uses the documentation block 192.0.2.0/24 (RFC 5737). No interface has the addresses of the
// ports, because the tester builds its frames itself.
var (
	Port0Addr  = netip.MustParseAddr("198.18.0.2")
	Port1Addr  = netip.MustParseAddr("198.19.0.2")
	Port0Addr6 = netip.MustParseAddr("2001:2::2")
	Port1Addr6 = netip.MustParseAddr("2001:2:0:100::2")

	LeftLAN   = netip.MustParsePrefix("198.18.0.1/24")
	RightLAN  = netip.MustParsePrefix("198.19.0.1/24")
	LeftLAN6  = netip.MustParsePrefix("2001:2::1/64")
	RightLAN6 = netip.MustParsePrefix("2001:2:0:100::1/64")
	LeftWAN   = netip.MustParsePrefix("192.0.2.1/30")
	RightWAN  = netip.MustParsePrefix("192.0.2.2/30")
	LeftWAN6  = netip.MustParsePrefix("2001:2:0:ffff::1/64")
	RightWAN6 = netip.MustParsePrefix("2001:2:0:ffff::2/64")
)

// The 256 networks on each side (RFC 2544 section 12). The tester's port on that side sends and
// receives for all of them.
var (
	LeftNets   = netip.MustParsePrefix("198.18.0.0/16")
	RightNets  = netip.MustParsePrefix("198.19.0.0/16")
	LeftNets6  = netip.MustParsePrefix("2001:2::/56")
	RightNets6 = netip.MustParsePrefix("2001:2:0:100::/56")
)

// MAC addresses. They are fixed and locally administered.
var (
	Port0MAC    = MAC{0x02, 0x54, 0x42, 0, 0, 0x10}
	Port1MAC    = MAC{0x02, 0x54, 0x42, 0, 0, 0x11}
	LeftLANMAC  = MAC{0x02, 0x54, 0x42, 0, 0, 0x20}
	LeftWANMAC  = MAC{0x02, 0x54, 0x42, 0, 0, 0x21}
	RightLANMAC = MAC{0x02, 0x54, 0x42, 0, 0, 0x30}
	RightWANMAC = MAC{0x02, 0x54, 0x42, 0, 0, 0x31}
)

// Default values of a Plan.
const (
	DefaultLANMTU = 1500
	DefaultWANMTU = 2000
	wanHeadroom   = 500 // bytes for encapsulation headers in addition to a LAN packet of full size
)

// Plan holds the options of a topology.
type Plan struct {
	LANMTU   int   // bytes; 0: DefaultLANMTU
	WANMTU   int   // bytes; 0: LANMTU plus 500 bytes for encapsulation, at least DefaultWANMTU
	PlainWAN bool  // turn off the offloads of the WAN link
	RPS      []int // cores for the soft interrupts of left and right; empty: the sender's core
}

func (p Plan) withDefaults() Plan {
	if p.LANMTU == 0 {
		p.LANMTU = DefaultLANMTU
	}
	if p.WANMTU == 0 {
		p.WANMTU = max(DefaultWANMTU, p.LANMTU+wanHeadroom)
	}
	return p
}

// Wire returns a topology that connects the tester's two ports directly. It shows the limits of the
// tester itself.
//
//	        tester
//	┌────────────────────┐
//	│ port0  198.18.0.2  ├──┐
//	│ port1  198.19.0.2  ├──┘
//	└────────────────────┘
func Wire(p Plan) Topology {
	p = p.withDefaults()
	return Topology{
		Name:  "wire",
		Nodes: []string{Tester},
		Links: []Link{{A: port0(), B: port1(), MTU: p.LANMTU}},
	}
}

// Dual returns the topology in the picture of the package comment, the dual DUT setup of RFC 8219
// (section 4.2). It has routes to the tester only. The tunnel under test adds the routes between
// the two sides.
func Dual(p Plan) Topology {
	p = p.withDefaults()
	leftLAN := End{Node: Left, Name: LAN, MAC: LeftLANMAC, Addrs: []netip.Prefix{LeftLAN, LeftLAN6}, GRO: true, RPS: p.RPS}
	leftWAN := End{Node: Left, Name: WAN, MAC: LeftWANMAC, Addrs: []netip.Prefix{LeftWAN, LeftWAN6}, RPS: p.RPS}
	rightWAN := End{Node: Right, Name: WAN, MAC: RightWANMAC, Addrs: []netip.Prefix{RightWAN, RightWAN6}, RPS: p.RPS}
	rightLAN := End{Node: Right, Name: LAN, MAC: RightLANMAC, Addrs: []netip.Prefix{RightLAN, RightLAN6}, GRO: true, RPS: p.RPS}
	return Topology{
		Name:  "dual",
		Nodes: []string{Tester, Left, Right},
		Links: []Link{
			{A: port0(), B: leftLAN, MTU: p.LANMTU},
			{A: leftWAN, B: rightWAN, MTU: p.WANMTU, Offloads: !p.PlainWAN},
			{A: rightLAN, B: port1(), MTU: p.LANMTU},
		},
		Forward: []string{Left, Right},
		Routes: []Route{
			{Node: Left, Dev: LAN, To: LeftNets, Via: Port0Addr},
			{Node: Right, Dev: LAN, To: RightNets, Via: Port1Addr},
			{Node: Left, Dev: LAN, To: LeftNets6, Via: Port0Addr6},
			{Node: Right, Dev: LAN, To: RightNets6, Via: Port1Addr6},
		},
		Neighbours: []Neighbour{
			{Node: Left, Dev: LAN, Addr: Port0Addr, MAC: Port0MAC},
			{Node: Right, Dev: LAN, Addr: Port1Addr, MAC: Port1MAC},
			{Node: Left, Dev: LAN, Addr: Port0Addr6, MAC: Port0MAC},
			{Node: Right, Dev: LAN, Addr: Port1Addr6, MAC: Port1MAC},
			{Node: Left, Dev: WAN, Addr: RightWAN.Addr(), MAC: RightWANMAC},
			{Node: Right, Dev: WAN, Addr: LeftWAN.Addr(), MAC: LeftWANMAC},
			{Node: Left, Dev: WAN, Addr: RightWAN6.Addr(), MAC: RightWANMAC},
			{Node: Right, Dev: WAN, Addr: LeftWAN6.Addr(), MAC: LeftWANMAC},
		},
	}
}

// port0 and port1 return the tester's ports. The MAC address of a port differs from the destination
// address of the frames that arrive there. So the kernel drops the frames after the tester's
// engine has read them. GRO is on, so that NAPI polls each port in its own queue. Received frames
// then do not wait in the same queue as sent frames.
func port0() End {
	return End{Node: Tester, Name: Port0, MAC: MAC{0x02, 0x54, 0x42, 0, 1, 0x10}, GRO: true, Sink: true}
}

func port1() End {
	return End{Node: Tester, Name: Port1, MAC: MAC{0x02, 0x54, 0x42, 0, 1, 0x11}, GRO: true, Sink: true}
}
