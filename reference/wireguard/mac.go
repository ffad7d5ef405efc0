package wireguard

import (
	"crypto/hmac"
	"encoding/binary"
	"hash"
	"io"
	"net/netip"
	"time"

	"golang.org/x/crypto/blake2s"
	"golang.org/x/crypto/chacha20poly1305"
)

// Times of cookies (section 6.6). A cookie is no longer used five seconds before its receiver may forget it.
const (
	cookieSecretAge = 120 * time.Second
	cookieUse       = cookieSecretAge - 5*time.Second
)

type (
	mac    = [macLen]byte
	cookie = [cookieLen]byte
)

// macKeys are the keys of the MACs and cookies for one receiver (sections 5.4.4 and 5.4.7).
type macKeys struct{ mac1, cookie [keyLen]byte }

func newMACKeys(receiver PublicKey) macKeys {
	return macKeys{
		mac1:   blake2s.Sum256(append([]byte("mac1----"), receiver[:]...)),
		cookie: blake2s.Sum256(append([]byte("cookie--"), receiver[:]...)),
	}
}

// keyedHash returns BLAKE2s with a key of up to 32 bytes and an output of 16.
func keyedHash(key []byte, parts ...[]byte) (sum mac) {
	h, err := blake2s.New128(key)
	if err != nil {
		panic(err) // the key is too long
	}
	for _, p := range parts {
		h.Write(p)
	}
	h.Sum(sum[:0])
	return sum
}

// beforeMAC1 and beforeMAC2 return what each MAC covers.
func beforeMAC1(message []byte) []byte { return message[:len(message)-macsLen] }
func beforeMAC2(message []byte) []byte { return message[:len(message)-macLen] }

func mac1Of(message []byte) mac { return mac(message[len(message)-macsLen:]) }
func mac2Of(message []byte) mac { return mac(message[len(message)-macLen:]) }

// mac1Checker checks mac1 of messages to one receiver. It is what a flood costs at least, so it allocates nothing.
type mac1Checker struct {
	keyed hash.Hash
	sum   mac
}

func newMAC1Checker(keys *macKeys) *mac1Checker {
	h, err := blake2s.New128(keys.mac1[:])
	if err != nil {
		panic(err) // the key is too long
	}
	return &mac1Checker{keyed: h}
}

// holds reports whether a message is meant for the receiver.
func (c *mac1Checker) holds(message []byte) bool {
	c.keyed.Reset()
	c.keyed.Write(beforeMAC1(message))
	c.keyed.Sum(c.sum[:0])
	return hmac.Equal(c.sum[:], message[len(message)-macsLen:len(message)-macLen])
}

// cookieChecker makes cookies of senders' addresses and checks them. Each secret makes cookies for two minutes, and
// its cookies are taken for two more, so that a new secret rejects nobody.
type cookieChecker struct {
	now, before cookieSecret
	random      io.Reader
}

// cookieSecret is what cookies are made with. The zero value makes none.
type cookieSecret struct {
	bytes [keyLen]byte
	born  time.Time
}

// younger reports whether the secret exists and is younger than age.
func (s *cookieSecret) younger(now time.Time, age time.Duration) bool {
	return !s.born.IsZero() && now.Sub(s.born) < age
}

// renew makes a new secret if there is none or it is too old.
func (c *cookieChecker) renew(now time.Time) error {
	if c.now.younger(now, cookieSecretAge) {
		return nil
	}
	fresh := cookieSecret{born: now}
	if _, err := io.ReadFull(c.random, fresh.bytes[:]); err != nil {
		return err
	}
	c.before, c.now = c.now, fresh
	return nil
}

// cookieOf returns the cookie of an address and its port: the port too, or everybody behind a NAT shares one.
func cookieOf(secret *[keyLen]byte, from netip.AddrPort) cookie {
	ip := from.Addr().Unmap().AsSlice()
	return keyedHash(secret[:], binary.LittleEndian.AppendUint16(ip, from.Port()))
}

// holds reports whether mac2 of a message was made with the sender's cookie.
func (c *cookieChecker) holds(now time.Time, message []byte, from netip.AddrPort) bool {
	got, valid := mac2Of(message), false
	for _, secret := range []*cookieSecret{&c.now, &c.before} {
		if !secret.younger(now, 2*cookieSecretAge) {
			continue
		}
		key := cookieOf(&secret.bytes, from)
		want := keyedHash(key[:], beforeMAC2(message))
		valid = hmac.Equal(want[:], got[:]) || valid
	}
	return valid
}

// reply makes the cookie reply to a message (section 5.4.7).
func (c *cookieChecker) reply(now time.Time, keys *macKeys, message []byte, from netip.AddrPort) ([]byte, error) {
	if err := c.renew(now); err != nil {
		return nil, err
	}
	out := make([]byte, offCookie, CookieReplyLen)
	binary.LittleEndian.PutUint32(out, uint32(CookieReply))
	copy(out[offReceiver:], message[offSender:offSender+4])
	nonce := out[offCookieNonce : offCookieNonce+cookieNonce]
	if _, err := io.ReadFull(c.random, nonce); err != nil {
		return nil, err
	}
	aead, err := chacha20poly1305.NewX(keys.cookie[:])
	if err != nil {
		return nil, err
	}
	value, answered := cookieOf(&c.now.bytes, from), mac1Of(message)
	return aead.Seal(out, nonce, value[:], answered[:]), nil
}

// jar keeps the cookie that a peer has sent, and the MAC that its reply has to name.
type jar struct {
	value    cookie
	received time.Time // zero: no cookie
	sent     mac
	awaiting bool // a message was sent since the last reply
}

// sign writes both MACs of a message.
func (j *jar) sign(now time.Time, keys *macKeys, message []byte) {
	j.sent, j.awaiting = keyedHash(keys.mac1[:], beforeMAC1(message)), true
	copy(message[len(message)-macsLen:], j.sent[:])
	clear(message[len(message)-macLen:])
	if j.received.IsZero() || now.Sub(j.received) >= cookieUse {
		return
	}
	second := keyedHash(j.value[:], beforeMAC2(message))
	copy(message[len(message)-macLen:], second[:])
}

// take stores the cookie of a reply, one for each message sent, and reports whether it was genuine.
func (j *jar) take(now time.Time, keys *macKeys, reply []byte) bool {
	if !j.awaiting {
		return false
	}
	aead, err := chacha20poly1305.NewX(keys.cookie[:])
	if err != nil {
		return false
	}
	value, err := aead.Open(nil, reply[offCookieNonce:offCookie], reply[offCookie:], j.sent[:])
	if err != nil {
		return false
	}
	j.value, j.received, j.awaiting = cookie(value), now, false
	return true
}
