package wire

import (
	"encoding/binary"
	"time"

	"github.com/tunnelbench/tunnelbench/fuzz/oracle"
	tunnelwire "github.com/tunnelbench/tunnelbench/reference/wire"
)

// Window attacks the replay window with a sequence of numbers and compares its answers with a set.
// Each step has three bytes: how the number follows from the newest one, and by how much.
func Window(data []byte) int {
	var w tunnelwire.Window
	var model windowModel
	var sequences []uint64
	accepted, program := 0, data
	for ; len(data) >= 3; data = data[3:] {
		sequence := model.step(data[0], uint64(binary.BigEndian.Uint16(data[1:])))
		newest, want := model.newest, model.accept(sequence)
		if got := w.Accept(sequence); got != want {
			oracle.Fail(oracle.Agreement, "sequence %d with newest %d: %v, want %v", sequence, newest, got, want)
		}
		sequences = append(sequences, sequence)
		if want == nil {
			accepted = 1
		}
	}
	all := func() {
		w = tunnelwire.Window{}
		for _, sequence := range sequences {
			w.Accept(sequence)
		}
	}
	oracle.Takes(time.Duration(len(sequences)+1)*oracle.Budget(0), all)
	if oracle.Sampled(program, Costly) {
		oracle.Allocates(0, all)
	}
	return accepted
}

// windowModel is an unbounded set of the sequence numbers seen.
type windowModel struct {
	newest uint64
	seen   map[uint64]bool
	row    []uint64 // rising old numbers since the last accepted number
}

// step returns a number near the newest one or far from it.
func (m *windowModel) step(how byte, by uint64) uint64 {
	switch how % 10 {
	case 0, 1:
		return m.newest + 1
	case 2:
		return m.newest + by
	case 3:
		return m.newest - by
	case 4:
		return m.newest + by%65 // around the size of a word
	case 5:
		return m.newest - tunnelwire.WindowSize + by%5 - 2
	case 6:
		return m.newest + by<<48
	case 7:
		return m.newest + by<<20
	case 8: // another of a row of old numbers
		if n := len(m.row); n > 0 {
			return m.row[n-1] + by%3
		}
		return m.newest / 2
	}
	return ^by
}

// accept applies the rule of RFC 6479: a number is accepted if it is new and within the window. A row of old
// numbers moves the window (wire.Window).
func (m *windowModel) accept(sequence uint64) error {
	switch {
	case sequence <= m.newest && m.newest-sequence > tunnelwire.WindowSize:
		if m.newest-sequence < tunnelwire.RestartGap || !m.restart(sequence) {
			return tunnelwire.ErrOld
		}
	case m.seen[sequence]:
		return tunnelwire.ErrReplay
	}
	if m.seen == nil {
		m.seen = map[uint64]bool{}
	}
	m.seen[sequence] = true
	m.newest, m.row = max(m.newest, sequence), nil
	return nil
}

// restart adds an old number to the row and reports whether the row is complete.
func (m *windowModel) restart(sequence uint64) bool {
	if n := len(m.row); n > 0 {
		behind, ahead := m.row[n-1]-sequence, sequence-m.row[n-1] // one of them is 0 or very large
		switch {
		case behind < tunnelwire.WindowSize:
			return false
		case ahead > tunnelwire.WindowSize:
			m.row = nil
		}
	}
	if m.row = append(m.row, sequence); len(m.row) < tunnelwire.RestartRow {
		return false
	}
	m.newest, m.seen = sequence, nil
	return true
}
