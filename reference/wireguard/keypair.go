package wireguard

import (
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"time"

	"github.com/tunnelbench/tunnelbench/reference/wire"
)

// Limits of a session (section 6.1).
const (
	rekeyAfterMessages  = 1 << 60
	rejectAfterMessages = 1<<64 - 1<<13 - 1
	rekeyAfterTime      = 120 * time.Second
	rejectAfterTime     = 180 * time.Second
)

// Keypair is a session: a key for each direction.
type Keypair struct {
	peer          *Peer
	send, receive cipher.AEAD
	local, remote uint32 // receiver indices, ours and the peer's
	initiator     bool
	born          time.Time
	counter       uint64 // of the next message; the device's lock guards it
	asked         bool   // a new session was asked for because of a received message; likewise
	window        wire.Window
}

// use gives the session the ciphers of its handshake.
func (k *Keypair) use(d *directions) {
	out, in := d.toInitiator, d.toResponder
	if k.initiator {
		out, in = in, out
	}
	k.send, k.receive = out.(cipher.AEAD), in.(cipher.AEAD)
	k.window.Fixed = true
}

// Peer returns the other end.
func (k *Keypair) Peer() *Peer { return k.peer }

// usable reports whether messages may be sent: the key is young and has counters left.
func (k *Keypair) usable(now time.Time) bool {
	return k != nil && now.Sub(k.born) < rejectAfterTime && k.counter < rejectAfterMessages
}

// worn reports whether its initiator has to replace the session (section 6.2).
func (k *Keypair) worn(now time.Time) bool {
	return k.counter > rekeyAfterMessages || k.initiator && now.Sub(k.born) >= rekeyAfterTime
}

// The nonce of a message is 32 zero bits and the counter, little-endian: bytes 4 to 16 of a header whose index
// is zero. So it needs no memory of its own.
const offNonce = 4

// Seal makes a data message of a packet, in place. The packet lies at message[HeaderLen:], padded, with room
// for the tag behind it. No counter may be used twice.
func (k *Keypair) Seal(message []byte, counter uint64) {
	binary.LittleEndian.PutUint32(message, uint32(Data))
	binary.LittleEndian.PutUint32(message[offReceiver:], 0)
	binary.LittleEndian.PutUint64(message[offCounter:], counter)
	end := len(message) - TagLen
	k.send.Seal(message[HeaderLen:HeaderLen], message[offNonce:HeaderLen], message[HeaderLen:end:end+TagLen], nil)
	binary.LittleEndian.PutUint32(message[offReceiver:], k.remote)
}

// Errors of Open and Accept. They are returned unwrapped and can be compared with ==.
var (
	ErrExpired = errors.New("the session is too old, or its counters are used up")
	ErrTag     = errors.New("the message is not the peer's")
)

// Open returns the padded packet of a data message, which it decrypts in place. It changes no state: call
// Accept next, in the order of arrival.
func (k *Keypair) Open(message []byte) ([]byte, error) {
	counter := Counter(message)
	if counter >= rejectAfterMessages {
		return nil, ErrExpired
	}
	binary.LittleEndian.PutUint32(message[offReceiver:], 0)
	packet, err := k.receive.Open(message[HeaderLen:HeaderLen], message[offNonce:HeaderLen], message[HeaderLen:], nil)
	binary.LittleEndian.PutUint32(message[offReceiver:], k.local)
	if err != nil {
		return nil, ErrTag
	}
	return packet, nil
}

// Accept records the counter of a message that Open has decrypted. It returns wire.ErrReplay if the counter
// was seen before, and wire.ErrOld if it is too far behind. One goroutine accepts.
func (k *Keypair) Accept(counter uint64) error { return k.window.Accept(counter) }
