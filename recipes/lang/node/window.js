// The replay window of RFC 6479, with sequence numbers as two numbers of 32 bits.
'use strict';

const WORDS = 256; // of 32 bits
const SIZE = 127 * 64; // how far behind the newest number a datagram may be
const RESTART_ROW = 16; // so many old numbers in a row, each
const RESTART_GAP = 1 << 24; // so far behind, show that the sender began anew

// difference returns a - b. Beyond 53 bits it is rounded, which does not matter where it is compared.
function difference(aHigh, aLow, bHigh, bLow) {
	return (aHigh - bHigh) * 2 ** 32 + (aLow - bLow);
}

class Window {
	constructor() {
		this.high = 0; // of the newest number
		this.low = 0;
		this.seen = new Int32Array(WORDS); // bit n modulo 8192 is set if n was seen
		this.lateHigh = 0; // of the highest number of the row
		this.lateLow = 0;
		this.row = 0;
	}

	// accept records a number and returns 'accepted', or why it is none that is new.
	accept(high, low) {
		const behind = difference(this.high, this.low, high, low);
		if (behind < 0) {
			this.advance(high, low);
		} else if (behind > SIZE && (behind < RESTART_GAP || !this.restart(high, low))) {
			return 'old';
		}
		const word = (low >>> 5) % WORDS;
		const bit = 1 << (low & 31);
		if (this.seen[word] & bit) return 'replay';
		this.seen[word] |= bit;
		this.row = 0;
		return 'accepted';
	}

	// restart counts a number far behind the window, and moves the window down to the last one of a row of
	// them. A number that is repeated or overtaken does not count, and does not end the row.
	restart(high, low) {
		const ahead = difference(high, low, this.lateHigh, this.lateLow);
		if (this.row > 0 && ahead <= 0 && -ahead < SIZE) return false;
		this.row = this.row > 0 && ahead > 0 && ahead <= SIZE ? this.row + 1 : 1;
		this.lateHigh = high;
		this.lateLow = low;
		if (this.row < RESTART_ROW) return false;
		this.high = high;
		this.low = low;
		this.seen.fill(0);
		return true;
	}

	// advance makes this the newest number and clears the words that the window moves into.
	advance(high, low) {
		const words = (high - this.high) * 2 ** 27 + ((low >>> 5) - (this.low >>> 5));
		if (words >= WORDS) {
			this.seen.fill(0);
		} else {
			for (let i = 1; i <= words; i++) this.seen[((this.low >>> 5) + i) % WORDS] = 0;
		}
		this.high = high;
		this.low = low;
	}
}

module.exports = { Window };
