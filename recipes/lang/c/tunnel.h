// A small tunnel: IP packets from a TUN device in UDP datagrams of the reference tunnel's plain format.
//
//   0        4                 12         16       18
//   +--------+-----------------+----------+--------+----------------+
//   | tunnel | sequence number | checksum | length | payload        |
//   | u32    | u64             | CRC-32C  | u16    | one IP packet  |
//   +--------+-----------------+----------+--------+----------------+
#pragma once
#include <stddef.h>
#include <stdint.h>

enum {
	HEADER_LEN = 18,
	TUNNEL_ID = 1,
	PORT = 4754,
	SOCKET_BUFFER = 4 << 20, // bytes, each way
};

// What becomes of a datagram. The order is that of the checks.
enum verdict { ACCEPTED, OVERSIZE, SHORT, LENGTH, TUNNEL, CHECKSUM, INNER, REPLAY, OLD };

// A record of the latest sequence numbers (RFC 6479): bit n % WINDOW_BITS is set if n was seen.
enum {
	WORDS = 128,
	WINDOW_BITS = WORDS * 64,
	WINDOW_SIZE = WINDOW_BITS - 64, // the word of the newest number does not count
	RESTART_ROW = 16,               // so many old numbers in a row, each
	RESTART_GAP = 1 << 24,          // so far behind, show that the sender began anew
};
struct window {
	uint64_t newest, seen[WORDS], late;
	int row;
};

// crc32c_begin chooses the instructions for crc32c; call it once, before the threads.
void crc32c_begin(void);
uint32_t crc32c(const uint8_t *data, size_t len);

// seal writes the header in front of a packet: datagram has HEADER_LEN bytes of room, then the packet.
void seal(uint8_t *datagram, size_t len, uint64_t sequence);

// unseal checks a datagram of the peer. The packet of an accepted one begins at HEADER_LEN.
enum verdict unseal(struct window *w, uint8_t *datagram, size_t len, size_t mtu);

// An end of the tunnel: its device, its socket, connected to the peer, and the MTU of the device.
struct end {
	int tun, udp;
	size_t mtu;
};

// A way of the tunnel runs until the program ends.
void *outward(void *end); // one packet a call: read, send
void *inward(void *end);  // one datagram a call: recv, write
void *outward_batched(void *end);
void *inward_batched(void *end);

uint64_t first_sequence(void);
_Noreturn void die(const char *what);
int answer_vectors(void);
