package netns

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"

	"github.com/tunnelbench/tunnelbench/internal/sys"
)

// Options are what Build does beside the topology.
type Options struct {
	Keep bool // name the namespaces tb-NODE for ip-netns(8); they outlive Close, and the next Keep replaces them
}

// Net is a topology that is there.
type Net struct {
	Topology Topology
	Warnings []string // what the kernel lacks and was left out

	options Options
	nodes   map[string]*NS
	kept    []string // paths of the names that Keep gave
}

const keepDir = "/run/netns"

// Build creates the topology. If it fails, or ctx ends, it removes what it created.
func Build(ctx context.Context, t Topology, o Options) (*Net, error) {
	if err := t.Validate(); err != nil {
		return nil, err
	}
	n := &Net{Topology: t, options: o, nodes: map[string]*NS{}}
	for _, step := range n.steps(func(string) bool { return true }, addVeth) {
		err := context.Cause(ctx)
		if err == nil {
			err = step()
		}
		if err != nil {
			return nil, fmt.Errorf("build network %s: %w", t.Name, errors.Join(err, n.Close(), n.unname()))
		}
	}
	return n, nil
}

// steps make the nodes that are wanted and all that belongs to them. A link between
// two of them or to another is made by join.
func (n *Net) steps(wanted func(node string) bool, join func(l Link, a, b *NS) error) []func() error {
	var steps []func() error
	for _, node := range n.Topology.Nodes {
		if wanted(node) {
			steps = append(steps, func() error { return n.addNode(node) })
		}
	}
	for _, l := range n.Topology.Links {
		if wanted(l.A.Node) || wanted(l.B.Node) {
			steps = append(steps, func() error { return join(l, n.nodes[l.A.Node], n.nodes[l.B.Node]) })
		}
		for _, ends := range [][2]End{{l.A, l.B}, {l.B, l.A}} {
			if wanted(ends[0].Node) {
				steps = append(steps, func() error { return n.configure(l, ends[0], ends[1]) })
			}
		}
	}
	for _, node := range n.Topology.Forward {
		if wanted(node) && hasIPv6() { // after the links: a router joins groups on those that are not silent yet
			steps = append(steps, func() error { return n.nodes[node].SetSysctl("net/ipv6/conf/all/forwarding", "1") })
		}
	}
	for _, nb := range n.Topology.Neighbours {
		if wanted(nb.Node) && n.speaks(nb.Addr, nb.Node, nb.Dev) {
			steps = append(steps, func() error { return n.nodes[nb.Node].AddNeighbour(nb) })
		}
	}
	for _, r := range n.Topology.Routes {
		if wanted(r.Node) && n.speaks(r.To.Addr(), r.Node, r.Dev) {
			steps = append(steps, func() error { return n.nodes[r.Node].AddRoute(r) })
		}
	}
	return steps
}

// speaks reports whether an interface of the topology can have addresses of a's
// family: IPv6 refuses links of less than 1280 octets.
func (n *Net) speaks(a netip.Addr, node, dev string) bool {
	refuses := func(l Link) bool {
		return l.MTU < minMTU6 && (l.A.Node == node && l.A.Name == dev || l.B.Node == node && l.B.Name == dev)
	}
	return a.Is4() || hasIPv6() && !slices.ContainsFunc(n.Topology.Links, refuses)
}

// NS is the namespace of a node, nil for a node that the topology lacks.
func (n *Net) NS(node string) *NS { return n.nodes[node] }

// Close undoes Build in reverse order. Links go with their namespaces, and
// those when the last process or socket inside has gone.
func (n *Net) Close() error {
	var errs []error
	for _, node := range slices.Backward(n.Topology.Nodes) {
		errs = append(errs, n.dropNode(node))
	}
	return errors.Join(errs...)
}

// dropNode lets go of a node's namespace, if it has one.
func (n *Net) dropNode(node string) error {
	ns := n.nodes[node]
	if ns == nil {
		return nil
	}
	delete(n.nodes, node)
	return ns.Close()
}

// unname takes away the names of a network that was not finished.
func (n *Net) unname() error {
	var errs []error
	for _, path := range n.kept {
		errs = append(errs, sys.UnbindNetNS(path))
	}
	return errors.Join(errs...)
}

func keepPath(node string) string { return filepath.Join(keepDir, "tb-"+node) }

func (n *Net) addNode(node string) error {
	ns, err := New(node)
	if err != nil {
		return err
	}
	n.nodes[node] = ns
	if n.options.Keep {
		if err := sys.BindNetNS(ns.file, keepPath(node)); err != nil {
			return fmt.Errorf("%s: keep: %w", node, err)
		}
		n.kept = append(n.kept, keepPath(node))
	}
	for _, s := range n.nodeSettings(node) {
		if err := ns.SetSysctl(s.key, s.value); err != nil {
			return err
		}
	}
	return ns.SetUp("lo", 0)
}

type setting struct{ key, value string }

// nodeSettings silence a namespace before it has any interface: new ones
// inherit from default, so that not one frame gets out.
func (n *Net) nodeSettings(node string) []setting {
	forward := "0"
	if slices.Contains(n.Topology.Forward, node) {
		forward = "1"
	}
	settings := []setting{
		{"net/ipv4/ip_forward", forward}, // first: it resets others to a router's defaults
		{"net/ipv4/conf/all/arp_ignore", "1"},
	}
	for _, conf := range []string{"net/ipv4/conf/all/", "net/ipv4/conf/default/"} {
		settings = append(settings, setting{conf + "rp_filter", "0"}, setting{conf + "send_redirects", "0"},
			setting{conf + "accept_redirects", "0"})
	}
	if !hasIPv6() {
		return settings
	}
	const conf = "net/ipv6/conf/default/"
	const noLinkLocal = "1" // IN6_ADDR_GEN_MODE_NONE
	return append(settings, setting{conf + "disable_ipv6", "1"}, setting{conf + "addr_gen_mode", noLinkLocal},
		setting{conf + "accept_ra", "0"}, setting{conf + "autoconf", "0"}, setting{conf + "accept_dad", "0"},
		setting{conf + "router_solicitations", "0"})
}

// hasIPv6 reports whether the kernel was booted with IPv6.
func hasIPv6() bool {
	_, err := os.Stat(filepath.Join(sysctlRoot, "net/ipv6"))
	return err == nil
}

// configure makes one end of a new link what the topology says. Offloads come
// when it is up: only then does switching GRO on make the peer a target of XDP
// redirects (veth_set_features in drivers/net/veth.c). Towards a tester's port an
// interface neither asks for neighbours nor joins groups, of which it would tell.
func (n *Net) configure(l Link, e, peer End) error {
	ns := n.nodes[e.Node]
	if peer.Sink {
		if err := ns.silence(e.Name); err != nil {
			return err
		}
	}
	if len(e.RPS) > 0 {
		if err := ns.SetRPS(e.Name, e.RPS); err != nil {
			return err
		}
	}
	if err := ns.SetUp(e.Name, 0); err != nil {
		return err
	}
	if err := ns.setOffloads(e.Name, l.Offloads, e.GRO); err != nil {
		return err
	}
	return n.addAddrs(ns, e)
}

func (n *Net) addAddrs(ns *NS, e End) error {
	for _, p := range e.Addrs {
		if !n.speaks(p.Addr(), e.Node, e.Name) {
			n.Warnings = append(n.Warnings, fmt.Sprintf("%s: no address %s: no IPv6 in this kernel, or an MTU below %d", e.name(), p, minMTU6))
			continue
		}
		if err := ns.AddAddr(e.Name, p); err != nil {
			return err
		}
	}
	return nil
}
