// Package reference is the reference tunnel: IP packets in UDP datagrams
// between hosts, as fast as Go gets them through the kernel, and small enough
// to be read in an afternoon.
//
// A datagram is an 18-byte header, big-endian, and one inner packet (reference/wire):
//
//	0        4                 12        16     18
//	+--------+-----------------+---------+------+----------------
//	| tunnel | sequence number | check-  | len  | inner packet
//	| id u32 | u64             | sum u32 | u16  | len bytes
//	+--------+-----------------+---------+------+----------------
//
// The checksum is CRC-32C over header (checksum field zero) and inner packet.
// Tunnel id 0 is reserved for control frames. The first sequence number is the
// clock in nanoseconds, so that an end that restarts stays ahead of its past.
//
// # The life of a packet
//
// Each direction has three stages, and what they pass on are batches, never
// packets:
//
//	encap:  recv     LAN port --> slab, header room in front of each packet;
//	                 destination --> peer, sequence number     oversize, inner, route, offload
//	        process  headers and CRC-32C, in place
//	        deliver  rows of one size to one endpoint as one UDP_SEGMENT message,
//	                 all of them in one sendmmsg --> underlay                         send
//
//	decap:  recv     underlay --recvmmsg, UDP_GRO--> 64 KiB slots
//	        process  cut into datagrams; check, in this order:
//	                 peer, oversize, short, length, tunnel, checksum, inner, source
//	        deliver  replay window of the peer: replay, old;
//	                 LAN port <-- packets, from where they lie                nexthop, port
//
// The words on the right are the drop counters and where each is raised; each
// packet read from the port and each datagram read from the socket ends in
// exactly one of delivered or one drop (see Drop, Direction).
//
// The engine RunToCompletion runs the three on one thread, one each way: no
// queue, no lock. The engine Pool has one goroutine that receives, workers that process,
// and one that delivers, in the order of receiving. Its queues hold batches and are
// bounded. When all batches are in use nothing is received, so that the queue that
// overflows is the kernel's, in front of everything.
//
// A batch goes on when nothing more is waiting, and by no timer: a lone packet
// is not delayed, and batches grow with load. Behind a full batch encap yields
// its core, so that what it has made is carried on before it makes more. Nothing is
// allocated between the system calls.
//
// # LAN ports
//
// A TUN device is made, and the kernel routes to it. With offloads each packet
// has a virtio_net_hdr in front: super-packets (TSO, USO) come in and are cut
// up, and packets that follow each other exactly are joined before they go out;
// cut up again they would be the same octets.
//
// An XDP port is a LAN interface that is there. An XDP program gives its IP packets
// to an AF_XDP socket, but those for the host itself; ARP and neighbour
// discovery stay the kernel's, which answers for the interface's addresses. Packets
// out go to the Ethernet address that the kernel's routes and neighbours of that
// interface say, and the kernel is asked to find those that are missing.
//
// # What the kernel may lack
//
// Without UDP_SEGMENT, from the start or from the middle of a run, the refused
// datagrams and all later ones go out one by one; nothing is lost. The same holds
// for packets joined for the TUN device. Without UDP_GRO single datagrams are
// received, without USO or TSO single packets.
//
// # Threats
//
// The plain tunnel is for measuring, on networks that one trusts. CRC-32C
// finds accidents; it is no authentication, and nothing is encrypted. Whoever can
// forge a peer's address and port, and knows the tunnel id, can inject packets with a
// source behind that peer, and with one datagram of a very high sequence number close the
// replay window for the real peer.
//
// Unknown sources get nothing. Where the kernel has BPF a socket filter drops their
// datagrams before they are queued (Stats.UnknownSource), else each is dropped when it
// is read (peer). No datagram is ever answered, not by ICMP either; none makes state;
// each costs a bounded time, at most one pass over its octets; the window moves only
// for datagrams whose checksum held.
package reference
