// Package reference is the reference tunnel. It carries IP packets in UDP datagrams between hosts. It
// shows how fast a tunnel in Go can be when it uses the kernel's sockets, and is small enough to be
// read in an afternoon.
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
// Tunnel id 0 is reserved for control frames. The first sequence number is the time in nanoseconds, so
// that a restarted end continues above its earlier numbers. If its clock was set back, its numbers are below the
// peer's window, which drops them (old). After 16 datagrams that are older by 2^24 or more, with numbers that rise by at most 8128, and
// none accepted in between, the window moves down to them (wire.RestartRow, PeerStats.Restarts).
//
// # The life of a packet
//
// Each direction has three stages, which pass on batches of packets:
//
//	encap:  recv     LAN port --> slab, header room in front of each packet;
//	                 destination --> peer, sequence number     oversize, inner, route, offload
//	        process  headers and CRC-32C, in place
//	        deliver  runs of one size to one endpoint as one UDP_SEGMENT message,
//	                 all runs in one sendmmsg --> underlay                            send
//
//	decap:  recv     underlay --recvmmsg, UDP_GRO--> 64 KiB slots
//	        process  split into datagrams; check, in this order:
//	                 peer, oversize, short, length, tunnel, checksum, inner, source
//	        deliver  replay window of the peer: replay, old;
//	                 LAN port <-- packets, without a copy                     nexthop, port
//
// The words on the right are the drop counters and the stages that raise them. Each packet read from
// the port and each datagram read from the socket is counted once: as delivered, or as one drop (see
// Drop, Direction).
//
// The engine RunToCompletion runs all three stages on one thread for each direction, without queues or
// locks. The engine Pool has one goroutine that receives, workers that process, and one goroutine that
// delivers, in the order of arrival. Its queues hold batches and are bounded. When all batches are in
// use it stops receiving, so that an overload fills the kernel's queues, and packets are dropped there
// before any work was spent on them.
//
// A batch ends when no more packets are waiting. There is no timer, so a single packet is not delayed, and
// batches grow with the load. After a full batch encap yields its core, so that the receiver of its
// datagrams can run before encap sends more. Nothing is allocated between the system calls.
//
// # The sealed format
//
// A tunnel with a private key (settings.Config.Private) seals its packets as WireGuard does, so that any WireGuard
// can be the other end (reference/wireguard). Ports, sockets, batches and engines are the same; only what a
// datagram looks like is another (format). Sealing and opening are done in place: the header lies in front of the
// packet in the slab, and padding and tag behind it.
//
//	encap:  recv     one lock for a run of packets to one peer: session, counters; packets
//	                 without a session wait, 128 for each peer, the newest
//	        process  seal                                                       session
//	decap:  process  sort: handshake messages --> control                       handshake
//	                 one lock for the batch: sessions of all indices            session
//	                 open; inner length, source                                 seal, inner, source
//	        deliver  window of the session, then one lock for a run:            replay, old
//	                 endpoint, timers, a new session becomes the current one
//
// Handshakes are computed on a goroutine of their own (reference/wireguard/control). Messages of a handshake and
// keepalives are counted as control.
//
// # LAN ports
//
// The tunnel creates a TUN device, and the kernel routes packets to it. With offloads each packet has a
// virtio_net_hdr in front. Super-packets (TSO, USO) that are read are split, and consecutive packets of
// a flow are joined before they are written. Splitting a joined packet returns the same bytes.
//
// An XDP port uses an existing LAN interface. An XDP program passes its IP packets to an AF_XDP socket,
// except packets for an address of the host itself. ARP and neighbour discovery stay with the kernel, which
// answers for the interface's addresses. The tunnel takes the Ethernet destination of packets that it sends
// from the kernel's routes and neighbours of that interface, and has the kernel resolve missing ones.
//
// An XDP port follows its interface while it runs: addresses, routes, neighbours, MTU, Ethernet address, name,
// down and up. A packet longer than the interface's MTU is dropped (port). A tunnel whose interface is removed
// ends with an error about the field dev.
//
// Hosts may leave checksums of TCP and UDP to their network card (CHECKSUM_PARTIAL). Between virtual interfaces
// such packets arrive unfinished and unmarked. The port recognizes them, because the checksum field holds the
// sum of the pseudo header, and finishes them, also inside of VXLAN and Geneve (on their usual ports), GRE and IP in
// IP. It computes the checksum of SCTP where there is none.
//
// On a bridge, a bond, a VLAN or a macvlan, packets also come in joined (TSO, GRO). There a tc program (tcx, Linux
// 6.6) passes them to a TUN device, which says how to split them. Older kernels use XDP there too; then switch off tso and gso
// of the hosts, and gro of the bridge's ports (ethtool -K PORT gro off).
//
// # Missing kernel features
//
// If UDP_SEGMENT fails, the tunnel sends the refused datagrams and those of the next batches one by one, and then
// tries again: the cause may be a path MTU that dips. No datagram is lost. It does the same when the TUN device
// refuses a joined packet. If the kernel does not know UDP_SEGMENT at the start, all datagrams are sent one by one.
// Without UDP_GRO the tunnel receives single datagrams, and without USO or TSO single packets.
//
// # Threats
//
// The plain format is for measurements on trusted networks. CRC-32C detects accidental errors; it does not
// authenticate, and nothing is encrypted. An attacker who can forge a peer's address and port, and
// knows the tunnel id, can inject packets with a source behind that peer. With one datagram of a very
// high sequence number he can also make the replay window refuse the next 15 datagrams of the real peer. While
// the peer is silent he can replay earlier datagrams: 16 in their order move the window back to them. So the window
// finds what a network duplicates by accident. It does not protect from deliberate replay by somebody on the path.
//
// Unknown sources get no answer, not even by ICMP, and create no state. If the kernel has BPF, a socket
// filter drops their datagrams before they are queued (Stats.UnknownSource); otherwise each is dropped
// after it is read (peer). Each datagram costs a bounded time, at most one pass over its bytes. The
// replay window moves only for datagrams whose checksum is right.
//
// The sealed format authenticates and encrypts what is inside, and forged or replayed datagrams change nothing. An
// observer still sees who talks to whom, when, and lengths in steps of 16 bytes. Keys in memory are dropped after
// 540 s without a handshake; Go cannot promise that no copy is left. There is no secrecy against a quantum computer
// but by a preshared key.
package reference
