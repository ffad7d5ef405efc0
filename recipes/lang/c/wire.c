// The datagram's header, and the checks of a received datagram.
#define _DEFAULT_SOURCE
#include <endian.h>
#include <string.h>

#include "tunnel.h"

enum { AT_SEQUENCE = 4, AT_CHECKSUM = 12, AT_LENGTH = 16, MIN_IPV4 = 20, MIN_IPV6 = 40 };

static void put16(uint8_t *p, uint16_t v) { v = htobe16(v), memcpy(p, &v, sizeof v); }
static void put32(uint8_t *p, uint32_t v) { v = htobe32(v), memcpy(p, &v, sizeof v); }
static void put64(uint8_t *p, uint64_t v) { v = htobe64(v), memcpy(p, &v, sizeof v); }
static uint16_t get16(const uint8_t *p) { uint16_t v; return memcpy(&v, p, sizeof v), be16toh(v); }
static uint32_t get32(const uint8_t *p) { uint32_t v; return memcpy(&v, p, sizeof v), be32toh(v); }
static uint64_t get64(const uint8_t *p) { uint64_t v; return memcpy(&v, p, sizeof v), be64toh(v); }

void seal(uint8_t *datagram, size_t len, uint64_t sequence)
{
	put32(datagram, TUNNEL_ID);
	put64(datagram + AT_SEQUENCE, sequence);
	put32(datagram + AT_CHECKSUM, 0);
	put16(datagram + AT_LENGTH, (uint16_t)(len - HEADER_LEN));
	put32(datagram + AT_CHECKSUM, crc32c(datagram, len));
}

// holds reports whether the checksum is right. The field is zero while it is computed.
static int holds(uint8_t *datagram, size_t len)
{
	uint32_t want = get32(datagram + AT_CHECKSUM);
	put32(datagram + AT_CHECKSUM, 0);
	uint32_t got = crc32c(datagram, len);
	put32(datagram + AT_CHECKSUM, want);
	return got == want;
}

static int is_ip(const uint8_t *packet, size_t len)
{
	if (len < MIN_IPV4)
		return 0;
	switch (packet[0] >> 4) {
	case 4:
		return 1;
	case 6:
		return len >= MIN_IPV6;
	}
	return 0;
}

// advance makes sequence the newest number and clears the words that the window moves into.
static void advance(struct window *w, uint64_t sequence)
{
	uint64_t from = w->newest / 64, to = sequence / 64;

	if (to - from >= WORDS)
		memset(w->seen, 0, sizeof w->seen);
	else
		while (from < to)
			w->seen[++from % WORDS] = 0;
	w->newest = sequence;
}

// restart counts a number far behind the window, and moves the window down to the last one of a row of them.
// A number that is repeated or overtaken does not count, and does not end the row.
static int restart(struct window *w, uint64_t sequence)
{
	if (w->row > 0 && w->late - sequence < WINDOW_SIZE)
		return 0;
	w->row = w->row > 0 && sequence - w->late <= WINDOW_SIZE ? w->row + 1 : 1;
	w->late = sequence;
	if (w->row < RESTART_ROW)
		return 0;
	w->newest = sequence;
	memset(w->seen, 0, sizeof w->seen);
	return 1;
}

static enum verdict accept_sequence(struct window *w, uint64_t sequence)
{
	uint64_t behind = w->newest - sequence;

	if (sequence > w->newest)
		advance(w, sequence);
	else if (behind > WINDOW_SIZE && (behind < RESTART_GAP || !restart(w, sequence)))
		return OLD;
	uint64_t *word = &w->seen[sequence / 64 % WORDS], bit = UINT64_C(1) << sequence % 64;
	if (*word & bit)
		return REPLAY;
	*word |= bit;
	w->row = 0;
	return ACCEPTED;
}

enum verdict unseal(struct window *w, uint8_t *datagram, size_t len, size_t mtu)
{
	if (len > HEADER_LEN + mtu)
		return OVERSIZE;
	if (len < HEADER_LEN)
		return SHORT;
	if (get16(datagram + AT_LENGTH) != len - HEADER_LEN)
		return LENGTH;
	if (get32(datagram) != TUNNEL_ID)
		return TUNNEL;
	if (!holds(datagram, len))
		return CHECKSUM;
	if (!is_ip(datagram + HEADER_LEN, len - HEADER_LEN))
		return INNER;
	return accept_sequence(w, get64(datagram + AT_SEQUENCE)); // only a sound datagram may move the window
}
