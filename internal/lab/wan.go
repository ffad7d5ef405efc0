package lab

import (
	"context"
	"fmt"
	"maps"

	"github.com/tunnelbench/tunnelbench/internal/lab/congestion"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/dut"
)

// network returns the topology for the device, with a node in the wan link if the settings impair
// it.
func (s *Setup) network(p netns.Plan) (netns.Topology, error) {
	t := s.device.Topology(p)
	wan, err := dut.ParseWAN(s.settings.WAN)
	switch {
	case err != nil:
		return t, fmt.Errorf("%w: --%w", ErrConfig, err)
	case wan.Relay == nil && wan.Shape == nil || s.device.Up == nil: // the bare wire calibrates
		return t, nil
	}
	s.link = wan
	between, ok := netns.Between(t)
	switch {
	case ok && wan.Relay == nil:
		return t, nil
	case !ok:
		return t, fmt.Errorf("%w: --wan %s: %s has no wan link: choose another device, or leave --wan out", ErrConfig, s.settings.WAN, s.device.Name)
	}
	return between, nil
}

// fitNetwork sets what Settings ask of a network that was built: the congestion control, and the
// impairment between the ends of the tunnel. Its relay polls on a core of its own, the last core of the
// device, if there is more than one.
func (s *Setup) fitNetwork(ctx context.Context) error {
	if err := congestion.Set(s.net, s.settings.CongestionControl); err != nil {
		return err
	}
	if s.link.Shape != nil {
		return s.link.Shape.Put(s.net)
	}
	if s.link.Relay == nil {
		return nil
	}
	values := maps.Clone(s.link.Relay)
	if _, chosen := values["spin"]; !chosen && !s.wanHasCore() {
		values["spin"] = "off"
	}
	wan, err := dut.StartWAN(ctx, dut.Env{Net: s.net, CPUs: s.lab.cpus.DUT, Run: s.lab.run, Dir: s.lab.dir, Params: values})
	if err != nil {
		return err
	}
	s.wan = wan
	s.closers.Push(s.wan.Close)
	return nil
}

func (s *Setup) wanHasCore() bool { return len(s.lab.cpus.DUT) > 1 }

// deviceCPUs returns the cores that the device's processes may use.
func (s *Setup) deviceCPUs() []int {
	cpus := s.lab.cpus.DUT
	if s.wan.HasProcesses() && s.wanHasCore() {
		return cpus[:len(cpus)-1]
	}
	return cpus
}

// Alive returns an error if the device or a process of its wan link has ended.
func (s *Setup) Alive() error {
	if err := s.wan.Alive(); err != nil {
		return fmt.Errorf("wan: %w", err)
	}
	return s.session.Alive()
}

// whole reports, as an error, that the device ended or that a link of its network was removed.
func (s *Setup) whole() error {
	if died := s.Alive(); died != nil {
		return fmt.Errorf("%w: %w", ErrDied, died)
	}
	return s.net.Whole()
}
