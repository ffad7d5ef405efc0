package wireguard

import (
	"encoding/binary"
	"io"
	"net/netip"
	"time"
)

// Rates under load. A cookie reply costs more than the message that it answers, so a flood from one address gets few:
// what is left is for the others, and for data.
var (
	handshakes = rate{20, 5}       // of one source that has its cookie
	answers    = rate{2000, 100}   // cookie replies to one source
	allAnswers = rate{20000, 1000} // and to all
)

// rate is how often something may happen.
type rate struct{ perSecond, burst float64 }

// bucket is a token bucket. The zero value is full.
type bucket struct {
	spent float64 // tokens
	last  time.Time
}

// take takes a token, if there is one.
func (b *bucket) take(now time.Time, r rate) bool {
	if !b.last.IsZero() {
		b.spent = max(0, b.spent-r.perSecond*max(0, now.Sub(b.last).Seconds()))
	}
	b.last = now
	if b.spent+1 > r.burst {
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

func (l *limiter) allow(now time.Time, from netip.Addr, r rate) bool {
	source := from.Unmap().AsSlice()
	if len(source) == 16 {
		source = source[:8]
	}
	sum := keyedHash(l.key[:], source)
	return l.buckets[binary.LittleEndian.Uint32(sum[:])%uint32(len(l.buckets))].take(now, r)
}
