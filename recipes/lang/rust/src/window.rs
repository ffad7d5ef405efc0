//! The replay window of RFC 6479.

use crate::wire::Drop;

const WORDS: u64 = 128;
const SIZE: u64 = (WORDS - 1) * 64; // the word of the newest number does not count
const RESTART_ROW: u32 = 16; // so many old numbers in a row, each
const RESTART_GAP: u64 = 1 << 24; // so far behind, show that the sender began anew

/// A record of the latest sequence numbers: bit n modulo 8192 is set if n was seen.
pub struct Window {
    newest: u64,
    seen: [u64; WORDS as usize],
    late: u64, // the highest number of the row
    row: u32,
}

impl Window {
    pub fn new() -> Self {
        Window { newest: 0, seen: [0; WORDS as usize], late: 0, row: 0 }
    }

    /// Records a number, or says why it is none that is new.
    pub fn accept(&mut self, sequence: u64) -> Result<(), Drop> {
        if sequence > self.newest {
            self.advance(sequence);
        } else {
            let behind = self.newest - sequence;
            if behind > SIZE && (behind < RESTART_GAP || !self.restart(sequence)) {
                return Err(Drop::Old);
            }
        }
        let (word, bit) = (&mut self.seen[(sequence / 64 % WORDS) as usize], 1 << (sequence % 64));
        if *word & bit != 0 {
            return Err(Drop::Replay);
        }
        *word |= bit;
        self.row = 0;
        Ok(())
    }

    /// Counts a number far behind the window, and moves the window down to the last one of a row of them. A
    /// number that is repeated or overtaken does not count, and does not end the row.
    fn restart(&mut self, sequence: u64) -> bool {
        if self.row > 0 && self.late.wrapping_sub(sequence) < SIZE {
            return false;
        }
        let follows = self.row > 0 && sequence.wrapping_sub(self.late) <= SIZE;
        self.row = if follows { self.row + 1 } else { 1 };
        self.late = sequence;
        if self.row < RESTART_ROW {
            return false;
        }
        self.newest = sequence;
        self.seen.fill(0);
        true
    }

    /// Makes `sequence` the newest number and clears the words that the window moves into.
    fn advance(&mut self, sequence: u64) {
        let (from, to) = (self.newest / 64, sequence / 64);
        if to - from >= WORDS {
            self.seen.fill(0);
        } else {
            for word in from + 1..=to {
                self.seen[(word % WORDS) as usize] = 0;
            }
        }
        self.newest = sequence;
    }
}
