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
)

// Window is a record of the latest sequence numbers. The zero value is an empty window. It belongs to
// one goroutine.
type Window struct {
	newest uint64
	seen   [windowWords]uint64
}

// Errors of Accept. They are returned unwrapped and can be compared with ==.
var (
	ErrReplay = errors.New("sequence number seen before")
	ErrOld    = errors.New("sequence number older than the replay window")
)

// Accept records sequence and returns nil if it is new. It returns ErrReplay if the number was seen
// before and ErrOld if it is older than the window. Call it only for datagrams whose checksum is right,
// because a new sequence number moves the window.
func (w *Window) Accept(sequence uint64) error {
	if sequence > w.newest {
		w.advance(sequence)
	} else if w.newest-sequence >= WindowSize {
		return ErrOld
	}
	word, bit := &w.seen[sequence/wordBits%windowWords], uint64(1)<<(sequence%wordBits)
	if *word&bit != 0 {
		return ErrReplay
	}
	*word |= bit
	return nil
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
