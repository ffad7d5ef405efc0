// Package reference is the reference tunnel: IP packets in UDP datagrams
// between two hosts, as fast as plain system calls on a TUN device allow, and
// small enough to be read in an hour.
//
// A datagram is an 18-octet header, big-endian, and one inner packet:
//
//	0        4                 12        16     18
//	+--------+-----------------+---------+------+----------------
//	| tunnel | sequence number | check-  | len  | inner packet
//	| id u32 | u64             | sum u32 | u16  | len octets
//	+--------+-----------------+---------+------+----------------
//
// The checksum is CRC-32C over header (checksum field zero) and inner packet.
// Tunnel id 0 is reserved for control frames. The first sequence number is the
// clock in nanoseconds, so that an end that restarts stays ahead of its past.
//
// # The life of a packet
//
// Each direction is one goroutine on a thread of its own that runs every stage
// to completion: no queue, no channel, no lock between them.
//
//	encap:  TUN --read, until empty or batch full--> slab (header room in front of each packet)
//	         1 check: oversize, inner
//	         2 Seal in place
//	         3 runs of one size as one UDP_SEGMENT message, all runs in one sendmmsg
//	           send --> underlay
//
//	decap:  underlay --recvmmsg, UDP_GRO--> 64 KiB slots
//	         1 cut into datagrams; check, in this order:
//	           peer, oversize, short, length, tunnel, checksum, inner, then the replay window: replay, old
//	         2 port: a write per packet, straight from the slot --> TUN
//
// A batch goes out when nothing more is waiting, and by no timer: a lone packet
// is not delayed, and batches grow with load. Nothing is copied or allocated
// between the two system calls.
//
// The words at the checks are the names of the drop counters. Every packet
// read from the TUN device and every datagram read from the socket ends in
// exactly one of: delivered, or one drop (see Drop, Direction). encap raises
// oversize, inner and send (the socket refused the datagram twice); decap raises
// the others, and port when the TUN device refuses a packet. What the kernel
// drops before a read (TUN queue, socket buffer) is counted by the kernel.
//
// When the kernel refuses UDP_SEGMENT, at the start or in the middle of a run,
// the refused datagrams and all later ones go out one by one; nothing is lost.
// Without UDP_GRO the same code receives single datagrams.
//
// # Threats
//
// The plain tunnel is for measuring, on networks where nobody lies. CRC-32C
// finds accidents; it is no authentication, and nothing is encrypted. Only
// datagrams with the configured peer's address and port as source come in: the
// socket is connected, so the kernel gives all others to nobody, and the few
// that may be queued before the socket is connected are counted as peer drops.
// Whoever can forge that source address can inject packets, and with one
// datagram of a very high sequence number close the replay window for the real
// peer. Such a sender gets nothing else: no datagram is ever answered, none
// makes state, each costs a bounded time (at most one pass over its octets), the
// window moves only for intact ones, and forged ICMP errors cost one more
// system call each. Inner source addresses are not checked; filter them on the
// TUN interface where it matters.
package reference
