package sealed

import (
	"encoding/binary"
	"errors"
	"math"
	"sync"

	"github.com/tunnelbench/tunnelbench/fuzz/oracle"
	"github.com/tunnelbench/tunnelbench/reference/wire"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// Limits of WireGuard, as its paper has them (section 6.1, and RFC 6479 for the window).
const (
	limit      = math.MaxUint64 - 1<<13 // 2^64 - 2^13 - 1: the first counter that must not be used
	windowSize = 8128
)

// sessionOf is a session of two ends, made once.
var sessionOf = sync.OnceValue(func() (s struct{ sender, receiver *wireguard.Keypair }) {
	a, b := newHost(1, 3, callerAt), newHost(2, 3, targetAt)
	p := a.knows(epoch, b, wireguard.PresharedKey{})
	b.knows(epoch, a, wireguard.PresharedKey{})
	join(epoch, a, b, p)
	s.sender, _, _ = a.device.Reserve(epoch, p, 1)
	s.receiver = b.receive(epoch, a.seal(epoch, p, numbered(1)), callerAt, false).session
	return s
})

// Window attacks the replay window of a session with messages of any counters, sealed with its key, and compares its
// answers with a set. Each step has three bytes: how the counter follows from the newest one, and by how much.
func Window(data []byte) int {
	s := sessionOf()
	model := set{seen: map[uint64]bool{0: true, 2: true}, newest: 2} // of the handshake, and of sessionOf, which leaves out 1
	receiver := *s.receiver
	message := make([]byte, wireguard.MinDataLen)
	const longest = 3 << 10
	accepted := 0
	for data = data[:min(len(data), longest)]; len(data) >= 3; data = data[3:] {
		counter := model.step(data[0], uint64(binary.BigEndian.Uint16(data[1:])))
		s.sender.Seal(message, counter)
		if data[0]&0x80 != 0 { // a forgery: nothing of it counts
			message[len(message)-1] ^= 1
			if _, err := receiver.Open(message); err == nil || counter < limit && err != wireguard.ErrTag {
				oracle.Fail(oracle.Agreement, "a forged message with counter %d: %v", counter, err)
			}
			continue
		}
		want := model.accept(counter)
		_, err := receiver.Open(message)
		if err == nil {
			err = receiver.Accept(counter)
		}
		if !errors.Is(err, want) {
			oracle.Fail(oracle.Agreement, "counter %d with newest %d: %v, want %v", counter, model.newest, err, want)
		}
		if err == nil {
			accepted = 1
		}
	}
	return accepted
}

// set is an unbounded set of counters.
type set struct {
	seen   map[uint64]bool
	newest uint64
}

// step returns a counter near the newest one, or at an edge.
func (s *set) step(how byte, by uint64) uint64 {
	switch how & 0x7f % 10 {
	case 0, 1:
		return s.newest + 1
	case 2:
		return s.newest + by%130
	case 3:
		return s.newest - by
	case 4:
		return s.newest - windowSize + by%5 - 2
	case 5:
		return s.newest + windowSize + by%5 - 2
	case 6:
		return uint64(1)<<32 + by%9 - 4
	case 7:
		return uint64(1)<<63 + by%9 - 4
	case 8:
		return limit + by%9 - 4
	}
	return s.newest + by<<40
}

// accept applies the rules.
func (s *set) accept(counter uint64) error {
	switch {
	case counter >= limit:
		return wireguard.ErrExpired
	case counter < s.newest && s.newest-counter > windowSize:
		return wire.ErrOld
	case s.seen[counter]:
		return wire.ErrReplay
	}
	s.seen[counter], s.newest = true, max(s.newest, counter)
	return nil
}
