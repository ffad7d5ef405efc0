// CRC-32C (Castagnoli) by the processor's instruction, or by a table where there is none.
//
// The instruction takes 8 bytes and its result is ready three cycles later, so a long datagram is cut into
// three lanes which are computed side by side. Lanes are joined by a table of what LANE zero bytes do to a CRC.
#include <string.h>

#include "tunnel.h"

enum { LANE = 256 };

static uint32_t table[256];

static uint32_t by_table(uint32_t crc, const uint8_t *p, size_t n)
{
	while (n--)
		crc = crc >> 8 ^ table[(crc ^ *p++) & 0xff];
	return crc;
}

static uint32_t (*update)(uint32_t crc, const uint8_t *p, size_t n) = by_table;

#ifdef __x86_64__
#include <nmmintrin.h>

static uint32_t zeros[4][256]; // of each byte of a CRC: what it becomes after LANE zero bytes

static uint32_t after_lane(uint32_t crc)
{
	return zeros[0][crc & 0xff] ^ zeros[1][crc >> 8 & 0xff] ^ zeros[2][crc >> 16 & 0xff] ^ zeros[3][crc >> 24];
}

static uint64_t load(const uint8_t *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof v);
	return v;
}

__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t crc, const uint8_t *p, size_t n)
{
	uint64_t a = crc;
	for (; n >= 3 * LANE; p += 3 * LANE, n -= 3 * LANE) {
		uint64_t b = 0, c = 0;
		for (const uint8_t *q = p; q < p + LANE; q += 8) {
			a = _mm_crc32_u64(a, load(q));
			b = _mm_crc32_u64(b, load(q + LANE));
			c = _mm_crc32_u64(c, load(q + 2 * LANE));
		}
		a = after_lane(after_lane((uint32_t)a) ^ (uint32_t)b) ^ (uint32_t)c;
	}
	for (; n >= 8; p += 8, n -= 8)
		a = _mm_crc32_u64(a, load(p));
	for (; n > 0; p++, n--)
		a = _mm_crc32_u8((uint32_t)a, *p);
	return (uint32_t)a;
}

static void use_instruction(void)
{
	static const uint8_t lane[LANE];

	__builtin_cpu_init();
	if (!__builtin_cpu_supports("sse4.2"))
		return;
	for (uint32_t i = 0; i < 4; i++)
		for (uint32_t b = 0; b < 256; b++)
			zeros[i][b] = by_table(b << 8 * i, lane, LANE);
	update = by_instruction;
}
#else
static void use_instruction(void) {}
#endif

void crc32c_begin(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t crc = i;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (0x82f63b78 & -(crc & 1));
		table[i] = crc;
	}
	use_instruction();
}

uint32_t crc32c(const uint8_t *data, size_t len) { return ~update(~0u, data, len); }
