// Package tap reads the frames that arrive at an interface, and sends frames from it, for what the tests put beside a
// tunnel or into the middle of its wan link.
package tap

import (
	"errors"
	"net"
	"time"

	"golang.org/x/net/bpf"

	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/netns"
)

// Tap is a packet socket on an interface. One goroutine at a time may use it.
type Tap struct {
	socket *sys.PacketSocket
	one    [1][]byte // argument of Send
}

// Frame is a frame that arrived.
type Frame = sys.Packet

// Open opens a tap in a namespace, with a ring of so many frames, of which at most so many octets are kept. A filter, if
// there is one, keeps frames out.
func Open(ns *netns.NS, dev string, slots, octets int, filter []bpf.RawInstruction) (*Tap, error) {
	const head = 80 // of a slot: see sys.OpenPacket
	t := &Tap{}
	err := ns.Do(func() error {
		found, err := net.InterfaceByName(dev)
		if err != nil {
			return err
		}
		if t.socket, err = sys.OpenPacket(found.Index, slots, octets+head); err != nil || filter == nil {
			return err
		}
		return t.socket.Filter(filter)
	})
	if err != nil && t.socket != nil {
		return nil, errors.Join(err, t.socket.Close())
	}
	return t, err
}

// Each calls take for every frame that waits. The frame is valid until take returns.
func (t *Tap) Each(take func(Frame)) {
	for {
		f, ok := t.socket.Next()
		if !ok {
			return
		}
		take(f)
		t.socket.Release()
	}
}

// Send sends a frame.
func (t *Tap) Send(frame []byte) error {
	t.one[0] = frame
	_, err := t.socket.Send(t.one[:])
	return err
}

// Close closes the tap.
func (t *Tap) Close() error { return t.socket.Close() }

// Poll waits at several taps.
type Poll struct{ poll *sys.PacketPoll }

// NewPoll returns a Poll of taps.
func NewPoll(taps ...*Tap) Poll {
	sockets := make([]*sys.PacketSocket, len(taps))
	for i, t := range taps {
		sockets[i] = t.socket
	}
	return Poll{sys.NewPacketPoll(sockets...)}
}

// Wait waits until a frame is there, or for the time at most. A link that is down makes it return at once.
func (p Poll) Wait(limit time.Duration) error { return p.poll.Wait(limit) }
