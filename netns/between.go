package netns

import "slices"

// BetweenNode is the node that Between adds. Its interfaces are named after the nodes they lead to.
const BetweenNode = "between"

// Between puts a node into the wan link from left to right. As in Inline, what
// passes is for a process to pass. The link's offloads are off: a relay of
// super-packets would not know how many frames it has. A topology without that
// link comes back as it is, and ok is false.
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
