package wireguard

import "fmt"

// Secrets is what opens one handshake and the session that comes of it: whoever has it, and the messages, reads
// the packets. A device hands it out only to Config.Secrets.
type Secrets struct {
	Static    PrivateKey // of this end
	Ephemeral PrivateKey // of this end, made for this handshake
	Remote    PublicKey
	Preshared PresharedKey
}

// String returns a word.
func (s Secrets) String() string { return "(secrets of a session)" }

// GoString returns a word.
func (s Secrets) GoString() string { return s.String() }

// KeyLog returns the secrets as Wireshark reads them (wg.keylog_file): lines of a name and a key in base64, of
// which a preshared key belongs to the ephemeral key in front of it.
func (s Secrets) KeyLog() []byte {
	text := fmt.Appendf(nil, "LOCAL_STATIC_PRIVATE_KEY=%s\nREMOTE_STATIC_PUBLIC_KEY=%s\nLOCAL_EPHEMERAL_PRIVATE_KEY=%s\n",
		s.Static.Base64(), s.Remote, s.Ephemeral.Base64())
	if s.Preshared != (PresharedKey{}) {
		text = fmt.Appendf(text, "PRESHARED_KEY=%s\n", s.Preshared.Base64())
	}
	return text
}

// tell hands out the secrets of a handshake with a peer whose message has just been written.
func (d *Device) tell(call *handshake, p *Peer) {
	if d.secrets != nil {
		d.secrets(Secrets{d.private, PrivateKey(call.noise.LocalEphemeral().Private), p.public, p.psk})
	}
}
