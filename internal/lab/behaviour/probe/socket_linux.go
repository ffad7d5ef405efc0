package probe

import (
	"errors"
	"net"

	"golang.org/x/net/bpf"

	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/netns"
)

type (
	socket = sys.PacketSocket
	packet = sys.Packet
)

// The ring of a reader: four seconds of a datagram each millisecond.
const (
	slots      = 4096
	slotOctets = 256
)

// listen opens a reader of the frames that arrive at an interface and pass a filter.
func listen(ns *netns.NS, dev string, filter []bpf.RawInstruction) (s *socket, err error) {
	err = ns.Do(func() error {
		link, err := net.InterfaceByName(dev)
		if err != nil {
			return err
		}
		if s, err = sys.OpenPacket(link.Index, slots, slotOctets); err != nil {
			return err
		}
		return s.Filter(filter)
	})
	if err != nil && s != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, err
}
