package wire

import "errors"

// The replay window of RFC 6479: a ring of words. The word with the newest sequence number is filled from
// its low end. Moving ahead clears whole words and never shifts bits.
const (
	windowWords = 128 // a power of two
	wordBits    = 64

	// WindowSize is how far behind the newest sequence number a datagram may arrive. The ring keeps 8192
	// bits, of which the newest word, 64 bits, does not count.
	WindowSize = (windowWords - 1) * wordBits

	// RestartRow is how many old numbers in a row show that the sender began again at a lower number: each
	// higher than the one before by at most WindowSize, and none accepted in between.
	RestartRow = 16

	// RestartGap is how far behind the window an old number has to be to count. Numbers begin at a clock's
	// nanoseconds, so 2^24 are 17 ms of a clock; a live sender's late datagrams are never so far behind.
	RestartGap = 1 << 24
)

// Window is a record of the latest sequence numbers. The zero value is an empty window. It belongs to
// one goroutine.
//
// A sender that starts again with its clock behind begins below the window, and all its datagrams are old. The
// window moves to them when it has seen RestartRow old numbers in a row, each RestartGap or more behind. Late
// datagrams of a sender that still runs are nearer, also when a whole train of them comes late. A clock that is
// behind by less needs no help: its numbers soon pass the window.
type Window struct {
	newest   uint64
	seen     [windowWords]uint64
	late     uint64 // the highest old number of the row
	row      int    // old numbers in a row
	restarts uint64

	// Fixed windows never move down: a sender that starts again has a new key.
	Fixed bool
}

// Errors of Accept. They are returned unwrapped and can be compared with ==.
var (
	ErrReplay = errors.New("sequence number seen before")
	ErrOld    = errors.New("sequence number older than the replay window")
)

// Accept records sequence and returns nil if it is new. It returns ErrReplay if the number was seen
// before and ErrOld if it is older than the window, except the last of RestartRow old numbers in a row, which
// moves the window down. Call it only for datagrams whose checksum is right,
// because a new sequence number moves the window.
func (w *Window) Accept(sequence uint64) error {
	if sequence > w.newest {
		w.advance(sequence)
	} else if behind := w.newest - sequence; behind > WindowSize {
		if w.Fixed || behind < RestartGap || !w.restart(sequence) {
			return ErrOld
		}
	}
	word, bit := &w.seen[sequence/wordBits%windowWords], uint64(1)<<(sequence%wordBits)
	if *word&bit != 0 {
		return ErrReplay
	}
	*word |= bit
	w.row = 0
	return nil
}

// Restarts returns how often the window has moved down.
func (w *Window) Restarts() uint64 { return w.restarts }

// restart counts an old number. It moves the window to it and returns true if it is the last of a row. A number
// that is repeated or overtaken does not count, and does not end the row.
func (w *Window) restart(sequence uint64) bool {
	switch {
	case w.row > 0 && w.late-sequence < WindowSize:
		return false
	case w.row > 0 && sequence-w.late <= WindowSize:
		w.row++
	default:
		w.row = 1
	}
	w.late = sequence
	if w.row < RestartRow {
		return false
	}
	w.newest, w.seen = sequence, [windowWords]uint64{}
	w.restarts++
	return true
}

// advance makes sequence the newest number and clears the words that the window moves into.
func (w *Window) advance(sequence uint64) {
	from, to := w.newest/wordBits, sequence/wordBits
	if to-from >= windowWords {
		w.seen = [windowWords]uint64{}
	} else {
		for i := from + 1; i <= to; i++ {
			w.seen[i%windowWords] = 0
		}
	}
	w.newest = sequence
}
