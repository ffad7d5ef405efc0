package live

import (
	"encoding/binary"
	"errors"
	"net"

	"golang.org/x/net/bpf"

	"github.com/tunnelbench/tunnelbench/fuzz/live/mutate"
	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// offSenderIndex is where the sender's index is in a handshake message (Donenfeld, "WireGuard", section 5.4).
const offSenderIndex = 4

const (
	ipv4Len, ipv6Len, udpLen = 20, 40, 8
	etherIPv6                = 0x86dd
)

// eavesdropper reads the handshakes on the link, as an attacker can, for mutants that are nearer to the real thing.
//
//	peer --initiation--> attacked end: it can be sent again
//	peer <--any-- attacked end:        the index that data need to find the session
type eavesdropper struct {
	session  *mutate.Session
	toEnd    *sys.PacketSocket // nil once an initiation is known, before mutants come by it
	fromEnd  *sys.PacketSocket
	messages int
}

// eavesdrop begins to read handshakes. The public key of the attacked end is no secret.
func eavesdrop(n *netns.Net, at place, receiver wireguard.PublicKey) (*eavesdropper, error) {
	e := &eavesdropper{session: &mutate.Session{Receiver: receiver}}
	var errs [2]error
	e.toEnd, errs[0] = openHandshakes(n.NS(at.end))
	e.fromEnd, errs[1] = openHandshakes(n.NS(at.from))
	if err := errors.Join(errs[:]...); err != nil {
		return nil, errors.Join(err, e.close())
	}
	return e, nil
}

// openHandshakes returns a socket for the handshake messages that arrive at the wan interface of a namespace.
func openHandshakes(ns *netns.NS) (s *sys.PacketSocket, err error) {
	program, err := handshakeFilter()
	if err != nil {
		return nil, err
	}
	err = ns.Do(func() error {
		dev, err := net.InterfaceByName(netns.WAN)
		if err != nil {
			return err
		}
		if s, err = sys.OpenPacket(dev.Index, 256, 512); err != nil {
			return err
		}
		return s.Filter(program)
	})
	return s, err
}

// handshakeFilter keeps UDP datagrams that begin like an initiation or a response: few beside those of a trial.
func handshakeFilter() ([]bpf.RawInstruction, error) {
	const most = ethernetLen + ipv6Len + udpLen + wireguard.InitiationLen
	return bpf.Assemble([]bpf.Instruction{
		bpf.LoadAbsolute{Off: 12, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: etherIPv6, SkipTrue: 3},
		bpf.LoadMemShift{Off: ethernetLen},
		bpf.LoadIndirect{Off: ethernetLen + udpLen, Size: 4},
		bpf.Jump{Skip: 1},
		bpf.LoadAbsolute{Off: ethernetLen + ipv6Len + udpLen, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(wireguard.Initiation) << 24, SkipTrue: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(wireguard.Response) << 24, SkipTrue: 1},
		bpf.RetConstant{Val: 0},
		bpf.RetConstant{Val: most},
	})
}

// learn reads what was heard since the last time.
func (e *eavesdropper) learn() error {
	eachHandshake(e.fromEnd, func(message []byte) {
		e.session.Index = binary.LittleEndian.Uint32(message[offSenderIndex:])
		e.messages++
	})
	if e.toEnd == nil {
		return nil
	}
	eachHandshake(e.toEnd, func(message []byte) {
		if message[0] == byte(wireguard.Initiation) {
			e.session.Initiation = append([]byte(nil), message...)
		}
	})
	err := e.toEnd.Close() // mutants would look like the peer's from here on
	e.toEnd = nil
	return err
}

// eachHandshake passes on the handshake messages that wait at a socket.
func eachHandshake(s *sys.PacketSocket, take func(message []byte)) {
	for ; ; s.Release() {
		p, ok := s.Next()
		if !ok {
			return
		}
		if message := handshakeIn(p.Data); message != nil {
			take(message)
		}
	}
}

// notes says what the attack has to do without.
func (e *eavesdropper) notes() (notes []string) {
	if e.session.Initiation == nil {
		notes = append(notes, "the peer began no handshake before the attack: instead of a replayed initiation, one with the right mac1 and nothing else is sent")
	}
	if e.messages == 0 {
		notes = append(notes, "no handshake message of the attacked end was heard: data with a wrong tag name no live session")
	}
	return notes
}

// handshakeIn returns the handshake message in an Ethernet frame, or nil.
func handshakeIn(frame []byte) []byte {
	if len(frame) < ethernetLen+ipv4Len {
		return nil
	}
	at := ethernetLen + int(frame[ethernetLen]&15)*4 + udpLen
	if binary.BigEndian.Uint16(frame[12:]) == etherIPv6 {
		at = ethernetLen + ipv6Len + udpLen
	}
	if len(frame) <= at {
		return nil
	}
	if t, ok := wireguard.TypeOf(frame[at:]); !ok || t != wireguard.Initiation && t != wireguard.Response {
		return nil
	}
	return frame[at:]
}

func (e *eavesdropper) close() (err error) {
	for _, s := range []*sys.PacketSocket{e.toEnd, e.fromEnd} {
		if s != nil {
			err = errors.Join(err, s.Close())
		}
	}
	return err
}
