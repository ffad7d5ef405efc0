package dut

import (
	"context"
	"errors"
	"fmt"

	"github.com/vishvananda/netlink"

	"github.com/tunnelbench/tunnelbench/netns"
)

// netem routes packets like plain, through the kernel's network emulator (tc-netem(8)) at both ends of
// the WAN link. The emulator delays and loses nothing: what it costs by itself shows.
var _ = register(Tunnel{
	Order: 35,
	Name:  "netem", Kind: Calibration, Modules: []string{"sch_netem"},
	Doc:     "routing through the kernel's netem without effects, no tunnel: what netem itself costs",
	Probe:   probeNetem,
	Network: func(p netns.Plan) netns.Topology { p.PlainWAN = true; return netns.Dual(p) },
	Up: func(ctx context.Context, b Env) (*Session, error) {
		for _, side := range sides {
			if err := b.Net.NS(side.node).Netlink(func(h *netlink.Handle) error { return putNetem(h, netns.WAN) }); err != nil {
				return nil, err
			}
		}
		return plain.Up(ctx, b)
	},
})

// probeNetem adds an emulator to an interface of a temporary namespace.
func probeNetem(context.Context) error {
	ns, err := netns.New("probe")
	if err != nil {
		return err
	}
	err = ns.Netlink(func(h *netlink.Handle) error { return putNetem(h, "lo") })
	if err != nil {
		err = fmt.Errorf("%w: this kernel has no network emulator (CONFIG_NET_SCH_NETEM): %w", errors.ErrUnsupported, err)
	}
	return errors.Join(err, ns.Close())
}
