package probe

import (
	"encoding/binary"
	"sync"
	"time"

	"golang.org/x/net/bpf"

	"github.com/tunnelbench/tunnelbench/internal/lab/behaviour/tap"
	"github.com/tunnelbench/tunnelbench/netns"
)

// Watch reads the frames that arrive at one end of the wan link: what carries the tunnel, and when its ends agreed on
// new keys, as far as that can be told from outside.
type Watch struct {
	tap     *tap.Tap
	stop    chan struct{}
	reading sync.WaitGroup
	seen    Seen
}

// Seen is what a Watch saw.
type Seen struct {
	Packets    map[byte]int // by IP protocol number (https://www.iana.org/assignments/protocol-numbers)
	Initiation []int64      // when handshake initiations of WireGuard arrived, ns of CLOCK_REALTIME
}

// IP protocol numbers.
const (
	TCP = 6
	UDP = 17
)

// StartWatch watches an interface.
func StartWatch(ns *netns.NS, dev string) (*Watch, error) {
	const keep = 128
	all, err := bpf.Assemble([]bpf.Instruction{bpf.RetConstant{Val: keep}})
	if err != nil {
		return nil, err
	}
	w := &Watch{stop: make(chan struct{}), seen: Seen{Packets: map[byte]int{}}}
	if w.tap, err = tap.Open(ns, dev, slots, keptOctets, all); err != nil {
		return nil, err
	}
	w.reading.Go(w.read)
	return w, nil
}

func (w *Watch) read() {
	const look = 20 * time.Millisecond
	poll := tap.NewPoll(w.tap)
	for {
		w.tap.Each(func(f tap.Frame) { w.seen.note(f.Data, f.At) })
		select {
		case <-w.stop:
			return
		default:
			_ = poll.Wait(look)
		}
	}
}

// Stop ends the watch.
func (w *Watch) Stop() (Seen, error) {
	close(w.stop)
	w.reading.Wait()
	return w.seen, w.tap.Close()
}

// note notes a frame.
func (s *Seen) note(frame []byte, at int64) {
	protocol, payload, ok := split(frame)
	if !ok {
		return
	}
	s.Packets[protocol]++
	if protocol == UDP && isInitiation(payload) {
		s.Initiation = append(s.Initiation, at)
	}
}

// split returns the IP protocol of a frame, and its IP payload as far as it was kept. ok is false for other frames.
func split(frame []byte) (protocol byte, payload []byte, ok bool) {
	if len(frame) < ethernetLen+ipv4Len {
		return 0, nil, false
	}
	packet := frame[ethernetLen:]
	switch packet[0] >> 4 {
	case 4:
		header := int(packet[0]&0xf) * 4
		return packet[9], packet[min(header, len(packet)):], binary.BigEndian.Uint16(frame[ethernetLen-2:]) == 0x0800
	case 6:
		return packet[6], packet[min(ipv6Len, len(packet)):], binary.BigEndian.Uint16(frame[ethernetLen-2:]) == etherIPv6
	}
	return 0, nil, false
}

// isInitiation reports whether a UDP datagram has the type and the length of WireGuard's first handshake message
// (https://www.wireguard.com/protocol/).
func isInitiation(datagram []byte) bool {
	const length = 148
	return len(datagram) >= udpLen+4 && binary.BigEndian.Uint16(datagram[4:]) == udpLen+length && binary.LittleEndian.Uint32(datagram[udpLen:]) == 1
}
