package sealed

import (
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/tunnelbench/tunnelbench/fuzz/oracle"
	"github.com/tunnelbench/tunnelbench/reference"
	"github.com/tunnelbench/tunnelbench/reference/settings"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// tunnelEnd is a whole end of a sealed tunnel with peers that the harness holds.
type tunnelEnd struct {
	end       *reference.End
	peers     []*host
	toEnd     []*wireguard.Peer // as each of them sees the end
	sent      [][]byte
	to        []netip.AddrPort
	delivered [][]byte
}

// peerAt returns the address of a peer of an end.
func peerAt(i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, 100 + byte(i)}), 51820)
}

// newTunnelEnd makes an end that has a session with each of its peers. prefixes has a list for each. Some packets wait
// for the sessions.
func newTunnelEnd(prefixes [][]netip.Prefix, waiting ...[]byte) *tunnelEnd {
	t := &tunnelEnd{}
	own := &host{key: wireguard.PrivateKey{8, 99}, at: targetAt}
	c := settings.Defaults(settings.TUN)
	c.Dev, c.Listen, c.MTU, c.Private, c.Offloads = "tb0", targetAt, mtu, own.key, false
	for i := range prefixes {
		h := newHost(10+byte(i), 1, peerAt(i))
		t.peers, t.toEnd = append(t.peers, h), append(t.toEnd, h.knows(epoch, own, wireguard.PresharedKey{}))
		c.Peers = append(c.Peers, settings.Peer{ID: uint32(i + 1), Public: h.key.Public(), Endpoint: h.at, Prefixes: prefixes[i]})
	}
	end, err := reference.NewEnd(c, 1,
		func(packet []byte) { t.delivered = append(t.delivered, oracle.Exact(packet)) },
		func(to netip.AddrPort, m []byte) { t.sent, t.to = append(t.sent, oracle.Exact(m)), append(t.to, to) })
	if err != nil {
		panic(err) // the harness is wrong
	}
	t.end = end
	end.Control(epoch)
	end.Encap(waiting...)
	for i := range t.peers {
		t.join(i)
	}
	return t
}

// join makes a session with a peer, which calls.
func (t *tunnelEnd) join(i int) {
	h := t.peers[i]
	t.forget()
	t.end.Decap(h.at, h.call(epoch, t.toEnd[i]), 0)
	t.end.Control(epoch)
	confirm := h.receive(epoch, t.sent[0], targetAt, false).sends[0].Datagram
	t.end.Decap(h.at, confirm, 0)
	t.end.Control(epoch) // packets that have waited
	t.forget()
}

// forget empties the record of what was sent and delivered.
func (t *tunnelEnd) forget() { t.sent, t.to, t.delivered = nil, nil, nil }

// sealed makes a data message of a plaintext, padded or not.
func (t *tunnelEnd) sealed(i int, plaintext []byte) []byte {
	k, counter, _ := t.peers[i].device.Reserve(epoch.Add(time.Second), t.toEnd[i], 1)
	message := make([]byte, wireguard.HeaderLen+len(plaintext)+wireguard.TagLen)
	copy(message[wireguard.HeaderLen:], plaintext)
	k.Seal(message, counter)
	return message
}

// ipPacket returns an IP packet between two addresses of one family.
func ipPacket(from, to netip.Addr) []byte {
	if from.Is4() {
		packet := make([]byte, 28)
		packet[0], packet[3] = 0x45, 28
		copy(packet[12:], from.AsSlice())
		copy(packet[16:], to.AsSlice())
		return packet
	}
	packet := make([]byte, 48)
	packet[0] = 0x60
	binary.BigEndian.PutUint16(packet[4:], 8)
	copy(packet[8:], from.AsSlice())
	copy(packet[24:], to.AsSlice())
	return packet
}

// scan returns the peer of the longest prefix that contains an address, or -1: slowly, and obviously.
func scan(prefixes [][]netip.Prefix, a netip.Addr) int {
	best, longest := -1, -1
	for i, of := range prefixes {
		for _, p := range of {
			if p.Contains(a) && p.Bits() > longest {
				best, longest = i, p.Bits()
			}
		}
	}
	return best
}
