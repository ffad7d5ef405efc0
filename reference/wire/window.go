package wire

import "errors"

// A replay window in the form of RFC 6479: a ring of words, of which the one
// that holds the newest sequence number is filled from its low end. Moving
// ahead clears whole words and never shifts bits.
const (
	windowWords = 128 // a power of two
	wordBits    = 64

	// WindowSize is how far behind the newest sequence number a datagram may
	// arrive. One word of the ring is in use by the head, so it is 64 less than
	// the 8192 bits that are kept.
	WindowSize = (windowWords - 1) * wordBits
)

// Window remembers which of the latest sequence numbers were seen. Its zero
// value has seen none. It belongs to one goroutine.
type Window struct {
	newest uint64
	seen   [windowWords]uint64
}

// Why a sequence number is refused. They are returned bare and can be compared
// with ==.
var (
	ErrReplay = errors.New("sequence number seen before")
	ErrOld    = errors.New("sequence number left of the replay window")
)

// Accept notes sequence as seen and returns nil if it is new, ErrReplay if it
// was seen before, ErrOld if it is too far behind to know. Only ask for
// datagrams whose checksum holds: a new sequence number moves the window.
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

// advance makes sequence the newest and clears the words that it enters.
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
