//go:build ignore

package main

const (
	words      = 128
	windowSize = (words - 1) * 64 // the word of the newest number does not count
	restartRow = 16               // so many old numbers in a row, each
	restartGap = 1 << 24          // so far behind, show that the sender began anew
)

// window is a record of the latest sequence numbers (RFC 6479): bit n modulo 8192 is set if n was seen.
type window struct {
	newest uint64
	seen   [words]uint64
	late   uint64 // the highest number of the row
	row    int
}

func (w *window) accept(sequence uint64) verdict {
	if sequence > w.newest {
		w.advance(sequence)
	} else if behind := w.newest - sequence; behind > windowSize && (behind < restartGap || !w.restart(sequence)) {
		return old
	}
	word, bit := &w.seen[sequence/64%words], uint64(1)<<(sequence%64)
	if *word&bit != 0 {
		return replay
	}
	*word |= bit
	w.row = 0
	return accepted
}

// restart counts a number far behind the window, and moves the window down to the last one of a row of them.
// A number that is repeated or overtaken does not count, and does not end the row.
func (w *window) restart(sequence uint64) bool {
	switch {
	case w.row > 0 && w.late-sequence < windowSize:
		return false
	case w.row > 0 && sequence-w.late <= windowSize:
		w.row++
	default:
		w.row = 1
	}
	w.late = sequence
	if w.row < restartRow {
		return false
	}
	w.newest, w.seen = sequence, [words]uint64{}
	return true
}

// advance makes sequence the newest number and clears the words that the window moves into.
func (w *window) advance(sequence uint64) {
	from, to := w.newest/64, sequence/64
	if to-from >= words {
		w.seen = [words]uint64{}
	} else {
		for i := from + 1; i <= to; i++ {
			w.seen[i%words] = 0
		}
	}
	w.newest = sequence
}
