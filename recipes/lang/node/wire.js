// The datagram's header, and the checks of a received datagram.
//
//   0        4                 12         16       18
//   +--------+-----------------+----------+--------+----------------+
//   | tunnel | sequence number | checksum | length | one IP packet  |
//   | u32    | u64             | CRC-32C  | u16    |                |
//   +--------+-----------------+----------+--------+----------------+
//
// A sequence number is two numbers of 32 bits: JavaScript's numbers are exact up to 53 bits, and BigInt is slow.
'use strict';

const HEADER_LEN = 18;
const AT_SEQUENCE = 4;
const AT_CHECKSUM = 12;
const AT_LENGTH = 16;
const TUNNEL_ID = 1;
const MIN_IPV4 = 20;
const MIN_IPV6 = 40;

// tables[k][b] is what byte b becomes after k more bytes, so that eight bytes are taken at once.
const tables = Array.from({ length: 8 }, () => new Int32Array(256));
for (let b = 0; b < 256; b++) {
	let crc = b;
	for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0x82f63b78 & -(crc & 1));
	tables[0][b] = crc;
}
for (let k = 1; k < 8; k++) {
	for (let b = 0; b < 256; b++) {
		const before = tables[k - 1][b];
		tables[k][b] = (before >>> 8) ^ tables[0][before & 255];
	}
}
const [t0, t1, t2, t3, t4, t5, t6, t7] = tables;

// crc32c returns the CRC-32C (Castagnoli) of the first len bytes.
function crc32c(bytes, len) {
	let crc = -1;
	let i = 0;
	for (; i + 8 <= len; i += 8) {
		crc ^= bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24);
		crc =
			t7[crc & 255] ^ t6[(crc >>> 8) & 255] ^ t5[(crc >>> 16) & 255] ^ t4[crc >>> 24] ^
			t3[bytes[i + 4]] ^ t2[bytes[i + 5]] ^ t1[bytes[i + 6]] ^ t0[bytes[i + 7]];
	}
	for (; i < len; i++) crc = (crc >>> 8) ^ t0[(crc ^ bytes[i]) & 255];
	return ~crc >>> 0;
}

// seal writes the header in front of a packet: datagram has HEADER_LEN bytes of room, then the packet.
function seal(datagram, len, high, low) {
	datagram.writeUInt32BE(TUNNEL_ID, 0);
	datagram.writeUInt32BE(high, AT_SEQUENCE);
	datagram.writeUInt32BE(low, AT_SEQUENCE + 4);
	datagram.writeUInt32BE(0, AT_CHECKSUM);
	datagram.writeUInt16BE((len - HEADER_LEN) & 0xffff, AT_LENGTH);
	datagram.writeUInt32BE(crc32c(datagram, len), AT_CHECKSUM);
}

// open checks a datagram of the peer. It returns 'accepted', and the packet begins at HEADER_LEN, or why not.
function open(window, datagram, mtu) {
	const len = datagram.length;
	if (len > HEADER_LEN + mtu) return 'oversize';
	if (len < HEADER_LEN) return 'short';
	if (datagram.readUInt16BE(AT_LENGTH) !== len - HEADER_LEN) return 'length';
	if (datagram.readUInt32BE(0) !== TUNNEL_ID) return 'tunnel';
	if (!checksumHolds(datagram, len)) return 'checksum';
	if (!isIP(datagram, len - HEADER_LEN)) return 'inner';
	// Only a sound datagram may move the window.
	return window.accept(datagram.readUInt32BE(AT_SEQUENCE), datagram.readUInt32BE(AT_SEQUENCE + 4));
}

// checksumHolds reports whether the checksum is right. The field is zero while it is computed.
function checksumHolds(datagram, len) {
	const want = datagram.readUInt32BE(AT_CHECKSUM);
	datagram.writeUInt32BE(0, AT_CHECKSUM);
	const got = crc32c(datagram, len);
	datagram.writeUInt32BE(want, AT_CHECKSUM);
	return got === want;
}

function isIP(datagram, len) {
	if (len < MIN_IPV4) return false;
	const version = datagram[HEADER_LEN] >> 4;
	return version === 4 || (version === 6 && len >= MIN_IPV6);
}

module.exports = { HEADER_LEN, open, seal };
