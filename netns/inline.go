package netns

// The interfaces of a node that lies in the tester's way: towards port 0 and
// towards port 1.
const (
	LAN0 = "lan0"
	LAN1 = "lan1"
)

// Inline puts one node between the tester's ports. The kernel answers and forwards
// nothing there: it takes every frame for somebody else's. What passes is
// for a process to pass.
//
// The plan's RPS does not hold here: the kernel's part of receiving is small, and
// a frame that has to wake another core for it is received some 20 us later.
//
//	        tester                    left
//	┌────────────────────┐     ┌─────────────────┐
//	│ port0  198.18.0.2  ├─────┤ lan0            │
//	│ port1  198.19.0.2  ├─────┤ lan1            │
//	└────────────────────┘     └─────────────────┘
func Inline(p Plan) Topology {
	p = p.withDefaults()
	lan0 := End{Node: Left, Name: LAN0, MAC: MAC{0x02, 0x54, 0x42, 0, 1, 0x20}, GRO: true}
	lan1 := End{Node: Left, Name: LAN1, MAC: MAC{0x02, 0x54, 0x42, 0, 1, 0x21}, GRO: true}
	return Topology{
		Name:  "inline",
		Nodes: []string{Tester, Left}, Relays: []string{Left},
		Links: []Link{{A: port0(), B: lan0, MTU: p.LANMTU}, {A: lan1, B: port1(), MTU: p.LANMTU}},
	}
}
