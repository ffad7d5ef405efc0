package wireguard

import (
	"errors"

	"github.com/flynn/noise"
)

// prologue is the identifier of the protocol. The construction is Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s.
var prologue = []byte("WireGuard v1 zx2c4 Jason@zx2c4.com")

var errUnknown = errors.New("not a peer")

// curve is X25519 with two changes. WireGuard's products of both static keys are computed beforehand, so that
// a stranger costs one multiplication; and a product of low order does not end a handshake of which another
// message may be genuine.
type curve struct {
	noise.DHFunc
	// static returns the product of the static keys, or an error.
	static func(peer PublicKey) ([keyLen]byte, error)
	calls  int
	weak   bool // a product was of low order
}

// callOfStatic is the number of the call for both static keys in the first message: it is es, ss.
const callOfStatic = 2

// DH implements noise.DHFunc.
func (c *curve) DH(private, public []byte) ([]byte, error) {
	if c.calls++; c.calls == callOfStatic {
		product, err := c.static(PublicKey(public))
		return product[:], err
	}
	product, err := c.DHFunc.DH(private, public)
	if err != nil {
		c.weak = true
		return make([]byte, keyLen), nil // the transcript has the others: no tag will fit
	}
	return product, nil
}

// handshake is a noise handshake with its curve.
type handshake struct {
	noise *noise.HandshakeState
	curve *curve
}

// newHandshake returns a handshake with a peer that we call, or with one that calls us, which is nil.
func (d *Device) newHandshake(called *Peer) (*handshake, error) {
	h := &handshake{curve: &curve{DHFunc: noise.DH25519, static: d.staticWith}}
	cfg := noise.Config{
		CipherSuite: noise.NewCipherSuite(h.curve, noise.CipherChaChaPoly, noise.HashBLAKE2s), Random: d.random,
		Pattern: noise.HandshakeIK, Prologue: prologue, PresharedKeyPlacement: 2,
		StaticKeypair: noise.DHKey{Private: d.private[:], Public: d.public[:]},
	}
	if called != nil {
		cfg.Initiator, cfg.PeerStatic, cfg.PresharedKey = true, called.public[:], called.psk[:]
	}
	var err error
	h.noise, err = noise.NewHandshakeState(cfg)
	return h, err
}

var errWeak = errors.New("a public key of low order")

// read returns the payload of a message, and the keys if it is the last one.
func (h *handshake) read(message []byte) (payload []byte, keys *directions, err error) {
	h.curve.weak = false
	payload, toResponder, toInitiator, err := h.noise.ReadMessage(nil, message)
	if err != nil {
		return nil, nil, err
	}
	if h.curve.weak {
		return nil, nil, errWeak
	}
	return payload, newDirections(toResponder, toInitiator), nil
}

// write appends a message to out. After an error the handshake is of no more use.
func (h *handshake) write(out, payload []byte) (message []byte, keys *directions, err error) {
	message, toResponder, toInitiator, err := h.noise.WriteMessage(out, payload)
	if err != nil {
		return nil, nil, err
	}
	if h.curve.weak {
		return nil, nil, errWeak
	}
	return message, newDirections(toResponder, toInitiator), nil
}

// directions are the ciphers of a session.
type directions struct{ toResponder, toInitiator noise.Cipher }

func newDirections(toResponder, toInitiator *noise.CipherState) *directions {
	if toResponder == nil {
		return nil
	}
	return &directions{toResponder.Cipher(), toInitiator.Cipher()}
}
