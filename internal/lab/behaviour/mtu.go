package behaviour

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/reports/behaviour"
)

// mtu asks for the largest inner packet that passes in one outer packet, and what becomes of larger ones: first when
// the device is told an MTU that leaves no room for its headers, then when it is told the right one.
var mtu = Test{
	Name: "mtu", Doc: "the largest packet that passes without outer fragments, and what becomes of larger ones (RFC 4459, 1191)", Takes: 3 * time.Second,
	Run: func(ctx context.Context, b *Bench) (behaviour.Finding, error) {
		seen, err := b.askWide(ctx)
		if err == nil && seen.largest > 0 {
			err = b.onBoth(ctx, Layout{LANMTU: jumboMTU, TunnelMTU: seen.largest, WANMTU: wanMTU}, func(s *Stand, six bool) error { return s.askFitting(ctx, &seen, six) })
		}
		if err != nil {
			return behaviour.Finding{}, err
		}
		return judgeMTU(seen), nil
	},
}

// The MTUs of the links, in octets.
const (
	wanMTU   = netns.DefaultLANMTU
	jumboMTU = 1600
	leastMTU = 576 // every host takes such a packet (RFC 1122 section 3.3.2); the search begins here
)

// askWide tells the device the MTU of the wan. A device that knows better is told what its headers leave.
func (b *Bench) askWide(ctx context.Context) (seen mtuSeen, err error) {
	const room = 100 // for the headers of a device of unknown overhead
	l := Layout{LANMTU: jumboMTU, TunnelMTU: wanMTU, WANMTU: wanMTU}
	ask := func(s *Stand) error { return s.askTooWide(ctx, &seen, l.TunnelMTU) }
	if err = b.on(ctx, l, ask); lab.DeviceFailed(err) {
		seen.refused = true
		l.TunnelMTU -= cmp.Or(b.Device.Overhead, room)
		err = b.on(ctx, l, ask)
	}
	return seen, err
}

// mtuSeen is what a device did with large packets. What was not asked for is empty.
type mtuSeen struct {
	refused bool // the device did not come up with the MTU of the wan
	largest int  // octets of the largest inner packet that passes in one outer packet; 0: none
	atLeast bool // larger ones were not asked for: it is not known how much room the headers leave
	// What became of packets of the MTU that the device is told, if they are larger than the largest.
	wide, wideDF outcome
	// What became of packets of jumboMTU when the device is told its largest.
	fitting, fittingDF, fitting6 outcome
	toldPasses                   bool // a packet of the MTU that the ICMP error named passes
}

// askTooWide searches the largest packet up to the tunnel's MTU, and asks for one that has this MTU.
func (s *Stand) askTooWide(ctx context.Context, seen *mtuSeen, most int) error {
	passes, fails := 0, most+1 // lengths
	for length := leastMTU; fails-passes > 1; length = (passes + fails) / 2 {
		o, err := s.What(ctx, Probe{Length: length, DF: true})
		switch {
		case err != nil:
			return err
		case o.how == whole:
			passes = length
		case passes == 0:
			return nil
		default:
			fails = length
		}
	}
	seen.largest = passes
	if passes == most {
		seen.atLeast = seen.refused && s.Setup.Device().Overhead == 0
		return nil
	}
	var err error
	if seen.wideDF, err = s.What(ctx, Probe{Length: most, DF: true}); err == nil {
		seen.wide, err = s.What(ctx, Probe{Length: most})
	}
	return err
}

// askFitting asks for packets that are larger than the device carries.
func (s *Stand) askFitting(ctx context.Context, seen *mtuSeen, six bool) (err error) {
	if seen.fittingDF, err = s.What(ctx, Probe{Length: jumboMTU, DF: true}); err != nil {
		return err
	}
	if told := seen.fittingDF.mtu; told >= leastProbe && told <= jumboMTU {
		o, err := s.What(ctx, Probe{Length: told, DF: true})
		if err != nil {
			return err
		}
		seen.toldPasses = o.how == whole || o.how == outerFragments
	}
	if seen.fitting, err = s.What(ctx, Probe{Length: jumboMTU}); err == nil && six {
		seen.fitting6, err = s.What(ctx, Probe{Length: jumboMTU, IPv6: true})
	}
	return err
}

// judgeMTU judges what became of large packets: each passes, in fragments or not, or its sender is told, and told
// what would pass. The first is the choice that RFC 4459 section 3 leaves to a tunnel; the second is RFC 1191 section 4.
func judgeMTU(seen mtuSeen) (f behaviour.Finding) {
	if seen.largest == 0 {
		f.Verdict, f.Why = behaviour.NotMeasured, fmt.Sprintf("a packet of %d octets does not pass a wan link of %d", leastMTU, wanMTU)
		return f
	}
	f.Verdict, f.Rule = behaviour.Pass, "RFC 4459 section 3, RFC 1191 section 4"
	f.Measured("largest", "octets", float64(seen.largest), 1)
	if seen.refused {
		f.Note("mtu-of-the-wan", "refused")
	}
	if seen.atLeast {
		f.Note("largest", "at least")
	}
	for _, q := range []struct {
		name, about string
		whole       bool // no router may cut it: DF (RFC 791 section 2.3), or IPv6
		outcome
	}{
		{"too-wide-df", "a packet with DF that fills the tunnel's MTU, but not the wan's with its outer header,", true, seen.wideDF},
		{"too-wide", "a packet that fills the tunnel's MTU, but not the wan's with its outer header,", false, seen.wide},
		{"above-df", "a packet with DF above the tunnel's MTU", true, seen.fittingDF},
		{"above", "a packet above the tunnel's MTU", false, seen.fitting},
		{"above-ipv6", "an IPv6 packet above the tunnel's MTU", true, seen.fitting6},
	} {
		if q.how == "" {
			continue
		}
		f.Note(q.name, string(q.how))
		switch {
		case f.Verdict != behaviour.Pass:
		case q.how == noAnswer:
			f.Verdict, f.Why = behaviour.Fail, q.about+" is lost, and its sender is told nothing"
		case q.how == innerFragments && q.whole:
			f.Verdict, f.Why = behaviour.Fail, q.about+" is cut into fragments, which it must not be"
		case q.how == refused && q.whole:
			f.Verdict, f.Why = behaviour.Fail, q.about+" is answered by an ICMP error that does not say that it is too big"
		}
	}
	if seen.fittingDF.how != tooBig {
		return f
	}
	f.Measured("told_mtu", "octets", float64(seen.fittingDF.mtu), 1)
	if f.Verdict == behaviour.Pass && !seen.toldPasses {
		f.Verdict, f.Why = behaviour.Fail, fmt.Sprintf("the sender is told an MTU of %d, which does not pass", seen.fittingDF.mtu)
	}
	return f
}
