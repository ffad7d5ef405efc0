// Package nat passes the frames of a wan link on as a router does that translates ports (NAPT, RFC 2663 section 4.1.2), and
// can forget its table, as happens when such a router starts again or has been idle for long (RFC 4787 section 4.3):
//
//	left ── 192.0.2.1:4500 ──► nat ── 192.0.2.1:4500 ──► right
//	                            │ Forget
//	left ── 192.0.2.1:4500 ──► nat ── 192.0.2.1:37268 ─► right
//
// From then on the right end hears the left one from other ports, and what it sends to the old ones goes nowhere. The
// address stays. Ports to which the left end has sent nothing stay as they are, as if they were forwarded.
package nat

import (
	"encoding/binary"
	"sync/atomic"

	"github.com/tunnelbench/tunnelbench/internal/lab/behaviour/tap"
)

// shift is what is added to the ports of the left end after the table was forgotten: any odd number does.
const shift = 0x8001

// table is the state of a translator. One goroutine translates.
type table struct {
	forgotten atomic.Bool
	old       [2][1 << 16]bool // the left end's ports before that, of TCP and of UDP
}

// ports are where a frame has its ports and its transport checksum; all 0 if it has none that are translated.
type ports struct {
	transport        int // index into table.old
	from, to, checks int // offsets
}

const (
	ethernetLen = 14
	tcp         = 0
	udp         = 1
)

// portsOf finds the ports of TCP and UDP in an Ethernet frame. ok is false for others, and for later fragments.
func portsOf(frame []byte) (p ports, ok bool) {
	const least = 8
	if len(frame) < ethernetLen+20 {
		return p, false
	}
	packet, at, protocol := frame[ethernetLen:], 0, byte(0)
	switch binary.BigEndian.Uint16(frame[ethernetLen-2:]) {
	case 0x0800:
		const offset = 0x1fff
		at, protocol = int(packet[0]&0xf)*4, packet[9]
		if binary.BigEndian.Uint16(packet[6:])&offset != 0 {
			return p, false
		}
	case 0x86dd:
		at, protocol = 40, packet[6]
	}
	at += ethernetLen
	switch {
	case protocol == 17 && len(frame) >= at+least:
		return ports{udp, at, at + 2, at + 6}, true
	case protocol == 6 && len(frame) >= at+20:
		return ports{tcp, at, at + 2, at + 16}, true
	}
	return p, false
}

// translate translates a frame, in place. It returns false for a frame that goes nowhere.
func (t *table) translate(from int, frame []byte) bool {
	if from == tap.Left {
		t.fromLeft(frame)
		return true
	}
	return t.fromRight(frame)
}

// fromLeft translates a frame from the left end, in place.
func (t *table) fromLeft(frame []byte) {
	p, ok := portsOf(frame)
	if !ok {
		return
	}
	port := binary.BigEndian.Uint16(frame[p.from:])
	if t.forgotten.Load() {
		p.replace(frame, p.from, port+shift)
		return
	}
	t.old[p.transport][port] = true
}

// fromRight translates a frame from the right end, in place. It returns false for a frame that goes nowhere.
func (t *table) fromRight(frame []byte) bool {
	p, ok := portsOf(frame)
	if !ok || !t.forgotten.Load() {
		return true
	}
	port := binary.BigEndian.Uint16(frame[p.to:])
	if t.old[p.transport][port] {
		return false
	}
	if t.old[p.transport][port-shift] {
		p.replace(frame, p.to, port-shift)
	}
	return true
}

// replace writes a port and keeps the checksum right (RFC 1624). A UDP checksum of 0 says that there is none.
func (p ports) replace(frame []byte, at int, port uint16) {
	old := binary.BigEndian.Uint16(frame[at:])
	binary.BigEndian.PutUint16(frame[at:], port)
	sum := binary.BigEndian.Uint16(frame[p.checks:])
	if p.transport == udp && sum == 0 {
		return
	}
	n := uint32(^sum) + uint32(^old) + uint32(port)
	n = n&0xffff + n>>16
	n = n&0xffff + n>>16
	sum = ^uint16(n)
	if p.transport == udp && sum == 0 {
		sum = 0xffff
	}
	binary.BigEndian.PutUint16(frame[p.checks:], sum)
}
