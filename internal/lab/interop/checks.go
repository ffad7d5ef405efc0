package interop

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/dut/role"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// check is one column of the table.
type check struct {
	name, doc string
	slow      bool // it waits for a rekey
	heavy     bool // it loads the machine: it is tried alone
	run       func(ctx context.Context, t *tester, p pair) error
}

var checks = []check{
	{name: "left-calls", doc: "the left end makes the session, and both ways carry packets; the right end's initiations are held back", run: calls(left)},
	{name: "right-calls", doc: "the right end makes the session; the left end's initiations are held back", run: calls(right)},
	{name: "sizes", doc: "IPv4 packets from 20 bytes and IPv6 packets from 40 to the MTU, of every length modulo 16, both ways", run: checkSizes},
	{name: "ipv6", doc: "an IPv6 underlay carries IPv4 and IPv6 packets of all lengths modulo 16", run: checkIPv6},
	{name: "psk", doc: "with the same preshared key both ways carry packets", run: checkPSK},
	{name: "psk-differs", doc: "with different preshared keys an initiation is sent, and no packet passes", run: checkOtherPSK},
	{name: "psk-changed", doc: "with different preshared keys no packet passes; then the left end is given the right one's while both run, and both ways carry packets", run: checkPSKChanged},
	{name: "peer-removed", doc: "the right end's peer is removed while both run, and no packet passes; then it is added again, and both ways carry packets", run: checkPeerRemoved},
	{name: "crossing", doc: "each end gets the other one's first initiation while its own is unanswered; both ways carry packets after repetitions", run: checkCrossing},
	{name: "disorder", doc: "500 messages with data each way arrive in reverse order and twice: every packet comes out once", run: checkDisorder},
	{name: "left-restarts", doc: "the left end starts anew and its initiations are held back; the right end sends, and makes a new session when its timers have run out", run: restarts(left)},
	{name: "right-restarts", doc: "the right end starts anew and its initiations are held back; the left end sends, and makes a new session when its timers have run out", run: restarts(right)},
	{name: "left-roams", doc: "the left end comes from another port, then from another address: the right one follows it", run: roams(left, otherPort, otherAddress)},
	{name: "right-roams", doc: "the right end comes from another port, then from another address: the left one follows it", run: roams(right, otherPort, otherAddress)},
	{name: "left-roams6", doc: "the left end comes from an IPv6 address, then from an IPv4 one: the right one follows it", run: roams(left, ipv6, otherPort)},
	{name: "right-roams6", doc: "the right end comes from an IPv6 address, then from an IPv4 one: the left one follows it", run: roams(right, ipv6, otherPort)},
	{name: "cookie", doc: "a flood of a repeated initiation makes the right end ask for cookies; a left end that starts anew gets a session by one", heavy: true, run: checkCookie},
	{name: "rekey", doc: "20 packets a second each way for 128 s: a new session is made at 120 s, and none is lost", slow: true, run: checkRekey},
}

// with returns the error of f on a stand, and takes the stand down.
func (t *tester) with(ctx context.Context, p pair, l layout, f func(s *stand) error) error {
	s, err := t.stand(ctx, p, l)
	if err != nil {
		return err
	}
	err = f(s)
	if closed := s.close(); closed != nil {
		err = errors.Join(err, testerError{closed})
	}
	return err
}

func calls(caller int) func(context.Context, *tester, pair) error {
	return func(ctx context.Context, t *tester, p pair) error {
		return t.with(ctx, p, layout{road: true, caller: caller}, func(s *stand) error {
			if err := s.establish(ctx, caller); err != nil {
				return err
			}
			for _, m := range []struct{ side, kind int }{{caller, initiation}, {1 - caller, response}, {caller, transport}, {1 - caller, transport}} {
				if s.road.messages(m.side, m.kind) == 0 {
					return fmt.Errorf("packets passed without a message of type %d from the %s end", m.kind, sideNames[m.side])
				}
			}
			return nil
		})
	}
}

func checkSizes(ctx context.Context, t *tester, p pair) error {
	return t.with(ctx, p, layout{}, func(s *stand) error { return s.sizes(ctx) })
}

func checkIPv6(ctx context.Context, t *tester, p pair) error {
	return t.with(ctx, p, layout{underlay6: true}, func(s *stand) error { return s.sizes(ctx) })
}

func checkPSK(ctx context.Context, t *tester, p pair) error {
	key := wireguard.PresharedKey{1, 2, 3}
	return t.with(ctx, p, layout{road: true, shared: [2]wireguard.PresharedKey{key, key}}, func(s *stand) error { return s.establish(ctx, left) })
}

// silence is the time for which an end with another preshared key than its peer is watched: an initiation and its
// repetition, after 5 s in which it may have answered its peer instead, which counts as an initiation.
const silence = 6500 * time.Millisecond

func checkOtherPSK(ctx context.Context, t *tester, p pair) error {
	return t.with(ctx, p, layout{road: true, shared: [2]wireguard.PresharedKey{{1}, {2}}}, func(s *stand) error {
		for side, name := range sideNames {
			// An end that answers an initiation sends none of its own for 5 s: the other one must not call meanwhile.
			s.road.hold(side, false)
			s.road.hold(1-side, true)
			if err := reach(ctx, s.hosts[side], s.hosts[1-side], silence); err == nil {
				return fmt.Errorf("a packet passed from the %s end", name)
			}
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if s.road.messages(side, initiation) == 0 {
				return fmt.Errorf("the %s end did not even send an initiation", name)
			}
		}
		if n := s.road.messages(left, transport) + s.road.messages(right, transport); n > 0 {
			return fmt.Errorf("%d messages with data were sent, without a session", n)
		}
		return nil
	})
}

// restartLimit is the time within which a survivor has to make a new session: it hears nothing for 15 s, and its
// initiation may get lost once.
const restartLimit = 21 * time.Second

func restarts(restarted int) func(context.Context, *tester, pair) error {
	return func(ctx context.Context, t *tester, p pair) error {
		return t.with(ctx, p, layout{road: true}, func(s *stand) error {
			if err := s.establish(ctx, left); err != nil {
				return err
			}
			s.road.hold(restarted, true)
			if err := s.session.Restart(ctx, sideNames[restarted]); err != nil {
				return fmt.Errorf("restart of the %s end: %w", sideNames[restarted], err)
			}
			if err := reach(ctx, s.hosts[1-restarted], s.hosts[restarted], restartLimit); err != nil {
				return s.lastWords(err)
			}
			err := reach(ctx, s.hosts[restarted], s.hosts[1-restarted], dataLimit)
			return s.lastWords(err)
		})
	}
}

// The places from which an end is heard when it roams. All are the right side's, as the mouths are.
var (
	otherPort    = netip.AddrPortFrom(netns.RightWAN.Addr(), 40010)
	otherAddress = netip.AddrPortFrom(elsewhere.Addr(), 40010)
	ipv6         = netip.AddrPortFrom(netns.RightWAN6.Addr(), 40010)
)

// roams has an end be heard from one place after the other.
func roams(roaming int, places ...netip.AddrPort) func(context.Context, *tester, pair) error {
	return func(ctx context.Context, t *tester, p pair) error {
		return t.with(ctx, p, layout{road: true}, func(s *stand) error {
			if err := errors.Join(s.addElsewhere(), s.establish(ctx, left)); err != nil {
				return err
			}
			for _, at := range places {
				// The other end hears the roaming one from the road's mouth that faces it.
				if err := s.road.face(1-roaming, at); err != nil {
					return testerError{err}
				}
				for _, from := range []int{roaming, 1 - roaming} {
					if err := reach(ctx, s.hosts[from], s.hosts[1-from], dataLimit); err != nil {
						err = fmt.Errorf("with the %s end at %v: %w", sideNames[roaming], at, err)
						if ctx.Err() != nil || s.session.Alive() != nil {
							return s.lastWords(err)
						}
						return p.cannotFollow(1-roaming, err)
					}
				}
			}
			return nil
		})
	}
}

// cannotFollow returns err, or says that the end of a side is known not to follow its peer.
func (p pair) cannotFollow(side int, err error) error {
	if p.device.Sides[side].Name == role.TailscaleWireGuardGo {
		return fmt.Errorf("%w: Tailscale's fork does not follow a peer, whose address its program sets: %w", errors.ErrUnsupported, err)
	}
	return err
}

// Limits of the check of cookies.
const (
	loadLimit   = 6 * time.Second  // for the first cookie reply
	cookieLimit = 26 * time.Second // for a session by cookie: the queue of the flooded end may drop some initiations
)

func checkCookie(ctx context.Context, t *tester, p pair) error {
	return t.with(ctx, p, layout{road: true}, func(s *stand) error {
		if err := s.establish(ctx, left); err != nil {
			return err
		}
		flooding, stop := context.WithCancel(ctx)
		defer stop()
		loaded, flooded := make(chan struct{}, 1), make(chan error, 1)
		go func() {
			flooded <- s.road.flood(flooding, func() {
				select {
				case loaded <- struct{}{}:
				default:
				}
			})
		}()
		err := s.byCookie(ctx, loaded)
		stop()
		return errors.Join(err, <-flooded)
	})
}

// byCookie waits for the first cookie reply to the flood, and then for a session by cookie.
func (s *stand) byCookie(ctx context.Context, loaded <-chan struct{}) error {
	select {
	case <-loaded:
	case <-time.After(loadLimit):
		return fmt.Errorf("%w: %d copies of an initiation a second did not make the right end send a cookie in %v", errors.ErrUnsupported, floodBurst*1000, loadLimit)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	asked := s.road.messages(right, cookie)
	if err := s.session.Restart(ctx, sideNames[left]); err != nil { // it may call at once
		return fmt.Errorf("restart of the left end: %w", err)
	}
	if err := reach(ctx, s.hosts[left], s.hosts[right], cookieLimit); err != nil {
		return fmt.Errorf("under load: %w (%d cookies sent to it)", s.lastWords(err), s.road.messages(right, cookie)-asked)
	}
	if s.road.messages(right, cookie) == asked {
		return fmt.Errorf("%w: the right end let the left one in without a cookie, load or not", errors.ErrUnsupported)
	}
	return nil
}

// The rate and time of the check of rekeying.
const (
	rekeyTime  = 128 * time.Second
	rekeyEvery = 50 * time.Millisecond
)

func checkRekey(ctx context.Context, t *tester, p pair) error {
	return t.with(ctx, p, layout{road: true}, func(s *stand) error {
		if err := s.establish(ctx, left); err != nil {
			return err
		}
		before := s.road.messages(left, initiation) + s.road.messages(right, initiation)
		sent, err := s.steady(ctx, rekeyTime, rekeyEvery)
		if err != nil {
			return s.lastWords(err)
		}
		if s.road.messages(left, initiation)+s.road.messages(right, initiation) == before {
			return fmt.Errorf("no new session was made within %v", rekeyTime)
		}
		var lost []string
		for from, packets := range sent {
			if n := missing(s.hosts[1-from], packets); n > 0 {
				lost = append(lost, fmt.Sprintf("%d of %d packets from the %s end", n, len(packets), sideNames[from]))
			}
		}
		if len(lost) > 0 {
			return errors.New("lost " + strings.Join(lost, " and "))
		}
		return nil
	})
}
