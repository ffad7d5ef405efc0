// Package replay has the window that keeps a datagram from being taken twice (RFC 6479).
package replay

import "errors"

// The window is a ring of words. The word with the newest number is filled from its low end. Moving ahead
// clears whole words and never shifts bits.
const (
	windowWords = 128 // a power of two
	wordBits    = 64

	// Size is how far behind the newest number another may arrive. The ring keeps 8192 bits, of which the newest
	// word, 64 bits, does not count.
	Size = (windowWords - 1) * wordBits
)

// Window is a record of the latest numbers. The zero value is an empty window. It belongs to one goroutine.
type Window struct {
	newest uint64
	seen   [windowWords]uint64
}

// Errors of Accept. They are returned unwrapped and can be compared with ==.
var (
	ErrReplay = errors.New("sequence number seen before")
	ErrOld    = errors.New("sequence number older than the replay window")
)

// Behind returns how far a number is behind the newest; 0 if it is not.
func (w *Window) Behind(number uint64) uint64 { return w.newest - min(number, w.newest) }

// Accept records a number and returns nil if it is new. It returns ErrReplay if the number was seen before
// and ErrOld if it is older than the window. Call it only for datagrams that are genuine, because a new number
// moves the window.
func (w *Window) Accept(number uint64) error {
	if number > w.newest {
		w.advance(number)
	} else if w.newest-number >= Size {
		return ErrOld
	}
	word, bit := &w.seen[number/wordBits%windowWords], uint64(1)<<(number%wordBits)
	if *word&bit != 0 {
		return ErrReplay
	}
	*word |= bit
	return nil
}

// Reset empties the window and makes number its newest, not yet seen.
func (w *Window) Reset(number uint64) { *w = Window{newest: number} }

// advance makes number the newest and clears the words that the window moves into.
func (w *Window) advance(number uint64) {
	from, to := w.newest/wordBits, number/wordBits
	if to-from >= windowWords {
		w.seen = [windowWords]uint64{}
	} else {
		for i := from + 1; i <= to; i++ {
			w.seen[i%windowWords] = 0
		}
	}
	w.newest = number
}
