// Package probe sends a light stream of numbered datagrams both ways between two hosts, and says when each was
// sent and when it arrived.
//
//	      client                                   server
//	┌────────────────┐      ┌────────┐       ┌────────────────┐
//	│ socket ─► eth0 ├──────┤ device ├───────┤ eth0 ◄─ socket │
//	│    reader ◄─┘  │      └────────┘       │  └─► reader    │
//	└────────────────┘                       └────────────────┘
//
// A datagram is stamped by the sender right before it is sent, and by the kernel when it arrives (packet(7)): what the
// tester's readers are late for does not show. A sender that is late sends later, and nothing twice: what that does to
// the resolution is in the series. Times are of the system's clock; do not set it meanwhile.
package probe
