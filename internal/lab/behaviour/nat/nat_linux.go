package nat

import (
	"errors"
	"net"
	"sync"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/netns"
)

// NAT passes frames between two interfaces of a namespace.
type NAT struct {
	sockets [2]*sys.PacketSocket // of the interface to the left, and to the right
	table   table
	stop    chan struct{}
	running sync.WaitGroup
}

// Open starts to pass frames. largest is the largest frame, in octets.
func Open(ns *netns.NS, left, right string, largest int) (*NAT, error) {
	n := &NAT{stop: make(chan struct{})}
	for i, dev := range []string{left, right} {
		var err error
		if n.sockets[i], err = open(ns, dev, largest); err != nil {
			return nil, errors.Join(err, n.closeSockets())
		}
	}
	n.running.Go(n.pass)
	return n, nil
}

func open(ns *netns.NS, dev string, largest int) (s *sys.PacketSocket, err error) {
	const slots, head = 2048, 80
	err = ns.Do(func() error {
		link, err := net.InterfaceByName(dev)
		if err != nil {
			return err
		}
		s, err = sys.OpenPacket(link.Index, slots, largest+head)
		return err
	})
	return s, err
}

// pass passes frames on until the NAT is closed.
func (n *NAT) pass() {
	const look = 20 * time.Millisecond
	poll := sys.NewPacketPoll(n.sockets[0], n.sockets[1])
	one := make([][]byte, 1)
	for {
		select {
		case <-n.stop:
			return
		default:
		}
		for p, ok := n.sockets[0].Next(); ok; p, ok = n.sockets[0].Next() {
			n.table.fromLeft(p.Data)
			one[0] = p.Data
			_, _ = n.sockets[1].Send(one) // a router tells nobody of a frame that it loses
			n.sockets[0].Release()
		}
		for p, ok := n.sockets[1].Next(); ok; p, ok = n.sockets[1].Next() {
			if n.table.fromRight(p.Data) {
				one[0] = p.Data
				_, _ = n.sockets[0].Send(one)
			}
			n.sockets[1].Release()
		}
		_ = poll.Wait(look)
	}
}

// Forget makes the NAT translate to other ports from now on.
func (n *NAT) Forget() { n.table.forgotten.Store(true) }

// Close ends the NAT.
func (n *NAT) Close() error {
	close(n.stop)
	n.running.Wait()
	return n.closeSockets()
}

func (n *NAT) closeSockets() (err error) {
	for _, s := range n.sockets {
		if s != nil {
			err = errors.Join(err, s.Close())
		}
	}
	return err
}
