package wire

import "github.com/tunnelbench/tunnelbench/reference/replay"

const (
	// WindowSize is how far behind the newest sequence number a datagram may arrive.
	WindowSize = replay.Size

	// RestartRow is how many old numbers in a row show that the sender began again at a lower number: each
	// higher than the one before by at most WindowSize, and none accepted in between.
	RestartRow = 16

	// RestartGap is how far behind the window an old number has to be to count. Numbers begin at a clock's
	// nanoseconds, so 2^24 are 17 ms of a clock; a live sender's late datagrams are never so far behind.
	RestartGap = 1 << 24
)

// Window is a replay window that follows a sender which starts again. The zero value is an empty window. It
// belongs to one goroutine.
//
// A sender that starts again with its clock behind begins below the window, and all its datagrams are old. The
// window moves to them when it has seen RestartRow old numbers in a row, each RestartGap or more behind. Late
// datagrams of a sender that still runs are nearer, also when a whole train of them comes late. A clock that is
// behind by less needs no help: its numbers soon pass the window.
type Window struct {
	replay.Window
	late     uint64 // the highest old number of the row
	row      int    // old numbers in a row
	restarts uint64
}

// Accept records sequence and returns nil if it is new. It returns replay.ErrReplay if the number was seen
// before and replay.ErrOld if it is older than the window, except the last of RestartRow old numbers in a row,
// which moves the window down. Call it only for datagrams whose checksum is right,
// because a new sequence number moves the window.
func (w *Window) Accept(sequence uint64) error {
	err := w.Window.Accept(sequence)
	if err == nil {
		w.row = 0
	} else if err == replay.ErrOld && w.Behind(sequence) >= RestartGap && w.restart(sequence) {
		return w.Accept(sequence)
	}
	return err
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
	w.Reset(sequence)
	w.restarts++
	return true
}
