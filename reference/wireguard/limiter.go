package wireguard

import (
	"encoding/binary"
	"io"
	"net/netip"
	"time"
)

// Rates of handshakes under load, of one source, and of cookie replies to all.
const (
	handshakeRate  = 20 // per second
	handshakeBurst = 5
	replyRate      = 20000
	replyBurst     = 1000
)

// bucket is a token bucket. The zero value is full.
type bucket struct {
	spent float64 // tokens
	last  time.Time
}

// take takes a token, if there is one.
func (b *bucket) take(now time.Time, rate, burst float64) bool {
	if !b.last.IsZero() {
		b.spent = max(0, b.spent-rate*max(0, now.Sub(b.last).Seconds()))
	}
	b.last = now
	if b.spent+1 > burst {
		return false
	}
	b.spent++
	return true
}

// limiter has a fixed number of buckets, which sources share by a keyed hash: whatever arrives, it does not
// grow. A source is an IPv4 address or an IPv6 network of 64 bits.
type limiter struct {
	key     [keyLen]byte
	buckets [4096]bucket
}

func (l *limiter) init(random io.Reader) error {
	_, err := io.ReadFull(random, l.key[:])
	return err
}

func (l *limiter) allow(now time.Time, from netip.Addr) bool {
	source := from.Unmap().AsSlice()
	if len(source) == 16 {
		source = source[:8]
	}
	sum := keyedHash(l.key[:], source)
	return l.buckets[binary.LittleEndian.Uint32(sum[:])%uint32(len(l.buckets))].take(now, handshakeRate, handshakeBurst)
}
