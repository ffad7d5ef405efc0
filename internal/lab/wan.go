package lab

import (
	"context"
	"fmt"
	"maps"

	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/dut"
)

// network is what the device is brought up in, with a node in the wan link
// when something is to be done to what crosses it.
func (b *Setup) network(p netns.Plan) (netns.Topology, error) {
	t := b.device.Topology(p)
	wan, err := dut.ParseWAN(b.settings.WAN)
	switch {
	case err != nil:
		return t, fmt.Errorf("%w: --%w", ErrConfig, err)
	case wan.Relay == nil && wan.Shape == nil || b.device.Up == nil: // the bare wire calibrates
		return t, nil
	}
	b.link = wan
	between, ok := netns.Between(t)
	switch {
	case ok && wan.Relay == nil:
		return t, nil
	case !ok:
		return t, fmt.Errorf("%w: --wan %s: %s has no wan link: choose another device, or leave --wan out", ErrConfig, b.settings.WAN, b.device.Name)
	}
	return between, nil
}

// impairWAN puts what Settings.WAN asks for between the ends of the tunnel. The
// relay spins on a core of its own, the device's last, where there is one to spare.
func (b *Setup) impairWAN(ctx context.Context) error {
	if b.link.Shape != nil {
		return b.link.Shape.Put(b.net)
	}
	if b.net.NS(netns.BetweenNode) == nil {
		return nil
	}
	values := maps.Clone(b.link.Relay)
	if _, chosen := values["spin"]; !chosen && !b.wanHasCore() {
		values["spin"] = "off"
	}
	wan, err := dut.StartWAN(ctx, dut.Env{Net: b.net, CPUs: b.lab.cpus.DUT, Run: b.lab.run, Dir: b.lab.dir, Params: values})
	if err != nil {
		return err
	}
	b.wan = wan
	b.closers = append(b.closers, b.wan.Close)
	return nil
}

func (b *Setup) wanHasCore() bool { return len(b.lab.cpus.DUT) > 1 }

// deviceCPUs are the cores that the device itself may use.
func (b *Setup) deviceCPUs() []int {
	cpus := b.lab.cpus.DUT
	if b.wan.HasProcesses() && b.wanHasCore() {
		return cpus[:len(cpus)-1]
	}
	return cpus
}

// Alive reports whether the device runs, and what its wan link is made of.
func (b *Setup) Alive() error {
	if err := b.wan.Alive(); err != nil {
		return fmt.Errorf("wan: %w", err)
	}
	return b.session.Alive()
}
