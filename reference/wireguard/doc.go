// Package wireguard is the WireGuard protocol as a state machine. It has no clock, socket, goroutine or
// randomness of its own: callers hand in the time, messages and random bytes, and get back the messages to
// send. So all of it runs in tests, on a virtual clock.
//
//	           handshake messages, ticks                 data
//	                     │                                │
//	  Handshake(now, …)  ▼   Tick(now)      Reserve(now)  ▼  Keypair.Seal
//	┌──────────────────────────────────────────────────────────────────┐
//	│ Device: peers, indices, cookies, rates                           │
//	│   Peer: pending handshake, previous, current and next keypair,   │
//	│         endpoint, timers, staged packets                         │
//	└──────────────────────────────────────────────────────────────────┘
//	                     │                                │
//	                     ▼ Send: endpoint, datagram       ▼  Keypair.Open, Received(now)
//
// A Device may be used by several goroutines. The lock that data take, once for each run of packets, is never held
// for a curve operation; only packets that have waited for a session, and keepalives, are sealed under it.
//
// The protocol is described in Donenfeld, "WireGuard: Next Generation Kernel Network Tunnel"
// (https://www.wireguard.com/papers/wireguard.pdf); sections below are of this paper. The handshake,
// Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s, is that of github.com/flynn/noise.
//
// # Where data are dropped
//
// Open and the functions behind it check, in this order: the length, the receiver index, the age of the
// keypair, the counter's limit, the tag; then the window is moved, and the caller checks the inner source. Nothing that has not passed the tag changes any state.
package wireguard
