package wireguard

// maxStaged is how many packets wait for a session of one peer. If there are more, the oldest are dropped.
const maxStaged = 128

// staged keeps the newest packets for a peer until there is a session. When it is full, a packet takes the memory
// of the one that it replaces, so that a peer that never answers costs no allocation per packet.
type staged struct {
	packets [][]byte
	oldest  int // place of the oldest packet
}

func (s *staged) len() int { return len(s.packets) }

// add keeps a copy of a packet. It reports whether it dropped an older one.
func (s *staged) add(packet []byte) (dropped bool) {
	if len(s.packets) < maxStaged {
		s.packets = append(s.packets, append([]byte(nil), packet...))
		return false
	}
	s.packets[s.oldest] = append(s.packets[s.oldest][:0], packet...)
	s.oldest = (s.oldest + 1) % maxStaged
	return true
}

// take returns the packets in the order of their arrival, and forgets them.
func (s *staged) take() [][]byte {
	packets := append(s.packets[s.oldest:len(s.packets):len(s.packets)], s.packets[:s.oldest]...)
	*s = staged{}
	return packets
}
