package netns

import "slices"

// BetweenNode is the node that Between adds. Its interface left leads to the node left, and its
// interface right leads to the node right.
const BetweenNode = "between"

// Between returns a topology with a node in the middle of the WAN link between left and right. As
// in Inline, the kernel does not forward in this node, and a process has to forward the frames.
// The WAN link has no offloads, because a relay cannot count the frames in a super-packet. If t
// has no WAN link, Between returns t unchanged, and ok is false.
//
//	┌───────────┐     ┌──────────────┐     ┌───────────┐
//	│ left  wan ├─────┤left    right ├─────┤ wan right │
//	└───────────┘     └──────────────┘     └───────────┘
func Between(t Topology) (_ Topology, ok bool) {
	i := slices.IndexFunc(t.Links, func(l Link) bool { return l.A.name() == Left+":"+WAN && l.B.name() == Right+":"+WAN })
	if i < 0 {
		return t, false
	}
	wan := t.Links[i]
	toLeft := End{Node: BetweenNode, Name: Left, MAC: MAC{0x02, 0x54, 0x42, 0, 1, 0x22}}
	toRight := End{Node: BetweenNode, Name: Right, MAC: MAC{0x02, 0x54, 0x42, 0, 1, 0x32}}
	t.Name += " with a node between"
	t.Nodes = append(slices.Clone(t.Nodes), BetweenNode)
	t.Relays = append(slices.Clone(t.Relays), BetweenNode)
	t.Links = slices.Replace(slices.Clone(t.Links), i, i+1, Link{A: wan.A, B: toLeft, MTU: wan.MTU}, Link{A: toRight, B: wan.B, MTU: wan.MTU})
	return t, true
}
