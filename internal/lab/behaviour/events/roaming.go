package events

import (
	"context"
	"errors"
	"net/netip"

	"github.com/vishvananda/netlink"

	"github.com/tunnelbench/tunnelbench/internal/lab/behaviour/probe"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/behaviour"
)

// elsewhere is the address to which the left end moves (TEST-NET-2, RFC 5737).
var elsewhere = netip.MustParsePrefix("198.51.100.1/32")

// Roaming moves the left end while the tunnel runs. First its wan interface gets another IPv4 address, as a host that
// changes its network; the right end keeps its own, and has a way to both. Then, on a fresh bring-up, a NAT on the way
// forgets its table, so that the left end comes from another port.
func Roaming(ctx context.Context, b *Bench) (f behaviour.Finding, err error) {
	o, r, err := b.roam(ctx, "address", nil, (*stand).move)
	if err != nil {
		return f, err
	}
	o.tell(&f, r)
	f.Verdict = behaviour.None
	if b.Device.Kind == dut.Calibration {
		return f, nil // the ports on the wan are those of the hosts
	}
	o, r, err = b.roam(ctx, "port", openNAT, func(s *stand) error {
		s.nat.Forget()
		return nil
	})
	if err != nil {
		return f, err
	}
	o.tell(&f, r)
	return f, nil
}

// roam brings the device up and moves the left end.
func (b *Bench) roam(ctx context.Context, what string, through middle, move func(*stand) error) (o outage, r probe.Result, err error) {
	s, err := b.open(ctx, through)
	if err != nil {
		return o, r, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	o = outage{name: what, limit: b.Times.Limit}
	r, err = s.during(ctx, &o, 0, func() error { return move(s) })
	return o, r, err
}

// move gives the left end its other address, and takes the first one away.
func (s *stand) move() error {
	left, right := s.Net().NS(netns.Left), s.Net().NS(netns.Right)
	if err := right.AddNeighbour(netns.Neighbour{Dev: netns.WAN, Addr: elsewhere.Addr(), MAC: netns.LeftWANMAC}); err != nil {
		return err
	}
	if err := right.AddRoute(netns.Route{Dev: netns.WAN, To: elsewhere}); err != nil {
		return err
	}
	if err := left.AddAddr(netns.WAN, elsewhere); err != nil {
		return err
	}
	err := left.Netlink(func(h *netlink.Handle) error {
		wan, err := h.LinkByName(netns.WAN)
		if err != nil {
			return err
		}
		first, err := netlink.ParseAddr(netns.LeftWAN.String())
		if err != nil {
			return err
		}
		return h.AddrDel(wan, first)
	})
	if err != nil {
		return err
	}
	return left.AddRoute(netns.Route{Dev: netns.WAN, To: netip.PrefixFrom(netns.RightWAN.Addr(), netns.RightWAN.Addr().BitLen())})
}
