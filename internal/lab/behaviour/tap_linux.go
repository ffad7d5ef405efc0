package behaviour

import (
	"net"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/netns"
)

// tap is a packet socket on an interface: it sees what arrives there, and sends.
type tap struct{ *sys.PacketSocket }

// openTap opens a tap for frames of at most that many octets.
func openTap(ns *netns.NS, dev string, largest int) (t *tap, err error) {
	const slots, head = 4096, 80
	err = ns.Do(func() error {
		found, err := net.InterfaceByName(dev)
		if err != nil {
			return err
		}
		socket, err := sys.OpenPacket(found.Index, slots, largest+head)
		t = &tap{socket}
		return err
	})
	return t, err
}

// send sends a frame.
func (t *tap) send(frame []byte) error {
	_, err := t.Send([][]byte{frame})
	return err
}

// each calls take for every frame that waits. The frame is valid until take returns.
func (t *tap) each(take func(frame []byte)) {
	for {
		p, ok := t.Next()
		if !ok {
			return
		}
		take(p.Data)
		t.Release()
	}
}

// wait waits until a frame is there at one of the taps, or for the time at most.
func wait(limit time.Duration, a, b *tap) error {
	return sys.NewPacketPoll(a.PacketSocket, b.PacketSocket).Wait(limit)
}
