package behaviour

import (
	"context"
	"fmt"
	"time"

	"github.com/tunnelbench/tunnelbench/reports/behaviour"
)

// ttl asks how often the device decrements the TTL or hop limit, what it puts into the outer header, and whether it
// tells the sender of a packet that expires.
var ttl = Test{
	Name: "ttl", Doc: "TTL and hop limit: decremented how often, in the outer header, and an expired one (RFC 1812, 4443)", Takes: 2 * time.Second,
	Run: func(ctx context.Context, b *Bench) (behaviour.Finding, error) {
		var seen [2]ttlSeen
		err := b.onBoth(ctx, Layout{}, func(s *Stand, six bool) (err error) {
			if seen[0], err = s.askTTL(ctx, false); err == nil && six {
				seen[1], err = s.askTTL(ctx, true)
			}
			return err
		})
		if err != nil {
			return behaviour.Finding{}, err
		}
		return judgeTTL(seen[0], seen[1]), nil
	},
}

// ttlSeen is what a device did with the TTL of one version of IP.
type ttlSeen struct {
	carried bool     // packets of this version arrive
	bare    bool     // there was no outer header
	hops    int      // by which the TTL was less behind the device
	outer   [2]uint8 // of the outer header, for an inner TTL of far and farther
	expired []outcome
}

// The TTLs that are asked for.
const (
	farTTL     = 64
	fartherTTL = 200
)

func (s *Stand) askTTL(ctx context.Context, six bool) (seen ttlSeen, err error) {
	for i, ttl := range []uint8{farTTL, fartherTTL} {
		far, outer, ok, err := s.One(ctx, Probe{Length: fieldLength, TTL: ttl, IPv6: six})
		if err != nil || !ok {
			return seen, err
		}
		seen.hops, seen.outer[i], seen.bare = int(ttl)-int(far.TTL), outer.TTL, outer.Number != 0
	}
	seen.carried = true
	for _, ttl := range []int{1, seen.hops} { // the second expires at the last hop
		if ttl < 1 || len(seen.expired) > 0 && ttl == 1 {
			continue
		}
		o, err := s.What(ctx, Probe{Length: fieldLength, TTL: uint8(ttl), IPv6: six})
		if err != nil {
			return seen, err
		}
		seen.expired = append(seen.expired, o)
	}
	return seen, nil
}

// Words of the TTL test.
const (
	answered = "answered" // by an ICMP error
	passed   = "passed"   // it came out of the device
	silent   = "silence"
	notThere = "not carried"
)

// expiry returns the word for what became of packets that expire: the worst of all.
func (s ttlSeen) expiry() string {
	word := answered
	for _, o := range s.expired {
		switch {
		case o.how == whole:
			return passed
		case o.how != tooOld:
			word = silent
		}
	}
	return word
}

// judgeTTL judges both versions of IP. The device is two routers, so it decrements once at least, and a packet that
// expires is discarded and its sender told.
func judgeTTL(four, six ttlSeen) (f behaviour.Finding) {
	if !four.carried {
		f.Verdict, f.Why = behaviour.NotMeasured, "a packet did not arrive, or was not found on the wan"
		return f
	}
	f.Verdict, f.Rule = behaviour.Pass, "RFC 1812 section 5.3.1, RFC 4443 section 3.3"
	switch {
	case four.bare:
		f.Note("outer", bare)
	case four.outer[0] == four.outer[1]:
		f.Note("outer", set)
		f.Measured("outer_ttl", "hops", float64(four.outer[0]), 2)
	default:
		f.Note("outer", copied)
	}
	for _, v := range []struct {
		ttlSeen
		suffix, name string
	}{{four, "", "IPv4"}, {six, "_ipv6", "IPv6"}} {
		if !v.carried {
			f.Note("expired"+v.suffix, notThere)
			continue
		}
		f.Note("expired"+v.suffix, v.expiry())
		f.Measured("decrement"+v.suffix, "hops", float64(v.hops), 2)
		switch how := v.expiry(); {
		case f.Verdict == behaviour.Fail:
		case v.hops < 1:
			f.Verdict, f.Why = behaviour.Fail, fmt.Sprintf("the device is two routers, and the TTL of %s behind it is less by %d", v.name, v.hops)
		case how != answered:
			f.Verdict = behaviour.Fail
			f.Why = map[string]string{passed: v.name + " packets that expire pass", silent: "the senders of " + v.name + " packets that expire are told nothing"}[how]
		}
	}
	return f
}
