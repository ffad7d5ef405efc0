package netns

// The interfaces of the node in Inline: LAN0 leads to port 0, and LAN1 leads to port 1.
const (
	LAN0 = "lan0"
	LAN1 = "lan1"
)

// Inline returns a topology with one node between the tester's two ports. The kernel of this node
// does not answer and does not forward, because no frame has the MAC address of the node. A
// process has to forward the frames.
//
// Inline ignores Plan.RPS. The kernel does little work for each received frame, and waking up
// another core for that work would delay the frame by about 20 us.
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
