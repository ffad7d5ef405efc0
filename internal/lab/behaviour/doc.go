// Package behaviour finds out how a device treats packets: what it does with a packet that is too big, with the
// fields of its header, with the order of a flow. Each test is one file, and judges by the rule of a document where
// there is one.
//
// Most tests use a Stand. The wan link goes through the tester, which sees every frame there and may change it:
//
//	port0 ─ left ═══ road ═══ right ─ port1
//
// A test sends packets from port0 (Stand.Ask) and looks at what came to port1, back to port0 and along the road.
package behaviour
