package wireguard

import (
	"encoding/binary"
	"time"
)

// Type is the type of a message: its first four bytes, little-endian, of which three are zero (section 5.4).
type Type uint32

// The types of messages.
const (
	Initiation Type = 1 + iota
	Response
	CookieReply
	Data
)

// Lengths in bytes.
const (
	InitiationLen  = 148
	ResponseLen    = 92
	CookieReplyLen = 64
	HeaderLen      = 16 // of a data message
	TagLen         = 16 // of ChaCha20-Poly1305 (RFC 8439)
	MinDataLen     = HeaderLen + TagLen

	macLen      = 16
	macsLen     = 2 * macLen
	keyLen      = 32
	stampLen    = 12
	cookieLen   = 16
	cookieNonce = 24
)

// Offsets of fields. Types 1 and 2 end in two MACs.
const (
	offSender       = 4 // types 1 and 2
	offReceiver     = 4 // types 3 and 4
	offInitNoise    = 8
	offRespReceiver = 8
	offRespNoise    = 12
	offCounter      = 8
	offCookieNonce  = 8
	offCookie       = 32
)

// TypeOf returns the type of a message whose length fits its type. ok is false if it is no message: then
// it is dropped without a word.
func TypeOf(message []byte) (t Type, ok bool) {
	if len(message) < 4 {
		return 0, false
	}
	t = Type(binary.LittleEndian.Uint32(message))
	switch t {
	case Initiation:
		ok = len(message) == InitiationLen
	case Response:
		ok = len(message) == ResponseLen
	case CookieReply:
		ok = len(message) == CookieReplyLen
	case Data:
		ok = len(message) >= MinDataLen
	}
	return t, ok
}

// Index returns the receiver index of a data message.
func Index(message []byte) uint32 { return binary.LittleEndian.Uint32(message[offReceiver:]) }

// Counter returns the counter of a data message.
func Counter(message []byte) uint64 { return binary.LittleEndian.Uint64(message[offCounter:]) }

// Pad is the greatest number of bytes of padding: packets are padded to a multiple of 16.
const Pad = 15

// Padded returns the length of a packet of n bytes after padding: a multiple of 16, but not beyond the MTU
// (section 5.4.6). n must not exceed mtu.
func Padded(n, mtu int) int { return min((n+Pad)&^Pad, mtu) }

// timestamp returns a TAI64N label. Its nanoseconds are cut to steps of 16.8 ms, so that it does not tell
// the exact clock.
func timestamp(now time.Time) (stamp [stampLen]byte) {
	const tai = 0x400000000000000a // 1970-01-01 TAI64, 10 s behind UTC
	binary.BigEndian.PutUint64(stamp[:], tai+uint64(now.Unix()))
	binary.BigEndian.PutUint32(stamp[8:], uint32(now.Nanosecond())&^0xffffff)
	return stamp
}
