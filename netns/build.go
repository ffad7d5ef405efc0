package netns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"

	"github.com/tunnelbench/tunnelbench/internal/sys"
)

// Options are the options of Build.
type Options struct {
	// Keep gives each namespace the name tb-NODE for ip-netns(8). The named namespaces remain after
	// Close. The next Build with Keep replaces them.
	Keep bool
}

// Net is a network that Build has created from a topology.
type Net struct {
	Topology Topology
	Warnings []string // parts of the topology that the kernel does not support and Build left out

	options Options
	nodes   map[string]*NS
	kept    []string // paths of the named namespaces (Options.Keep)
}

const keepDir = "/run/netns"

// Build creates the network of a topology. If Build fails or ctx ends, Build removes everything
// that it has created.
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

// steps returns the functions that create the wanted nodes with their interfaces, addresses, routes
// and neighbours, in this order. The function join creates a link.
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
		// IPv6 forwarding makes the kernel join multicast groups on the node's interfaces. It must come
		// after the links, because configure has then turned off multicast towards the tester's ports.
		if wanted(node) && hasIPv6() {
			steps = append(steps, func() error { return n.nodes[node].SetSysctl("net/ipv6/conf/all/forwarding", "1") })
		}
	}
	for _, nb := range n.Topology.Neighbours {
		if wanted(nb.Node) && n.supports(nb.Addr, nb.Node, nb.Dev) {
			steps = append(steps, func() error { return n.nodes[nb.Node].AddNeighbour(nb) })
		}
	}
	for _, r := range n.Topology.Routes {
		if wanted(r.Node) && n.supports(r.To.Addr(), r.Node, r.Dev) {
			steps = append(steps, func() error { return n.nodes[r.Node].AddRoute(r) })
		}
	}
	return steps
}

// supports reports whether an interface of the topology can have an address of the IP version of
// a. IPv6 needs an MTU of at least 1280 bytes (RFC 8200 section 5).
func (n *Net) supports(a netip.Addr, node, dev string) bool {
	refuses := func(l Link) bool {
		return l.MTU < minMTU6 && (l.A.Node == node && l.A.Name == dev || l.B.Node == node && l.B.Name == dev)
	}
	return a.Is4() || hasIPv6() && !slices.ContainsFunc(n.Topology.Links, refuses)
}

// NS returns the namespace of a node, or nil if the topology has no such node.
func (n *Net) NS(node string) *NS { return n.nodes[node] }

// RemovedError says that somebody took an end of a link away. It wraps errors.ErrUnsupported: nothing can be
// measured there.
type RemovedError struct{ End End }

// Error names the end and the mend.
func (e RemovedError) Error() string {
	return fmt.Sprintf("the link %s of %s was removed while it was in use: leave the lab's namespaces alone, and measure again", e.End.Name, e.End.Node)
}

// Unwrap returns errors.ErrUnsupported.
func (e RemovedError) Unwrap() error { return errors.ErrUnsupported }

// Whole returns a RemovedError if an end of a link is no longer there.
func (n *Net) Whole() error {
	for _, l := range n.Topology.Links {
		for _, end := range []End{l.A, l.B} {
			err := n.NS(end.Node).Do(func() error {
				_, err := net.InterfaceByName(end.Name)
				return err
			})
			if err != nil {
				return RemovedError{end}
			}
		}
	}
	return nil
}

// Close releases the namespaces in reverse order of their creation. The kernel removes a namespace
// and its interfaces when no process and no socket uses the namespace any more.
func (n *Net) Close() error {
	var errs []error
	for _, node := range slices.Backward(n.Topology.Nodes) {
		errs = append(errs, n.dropNode(node))
	}
	return errors.Join(errs...)
}

// dropNode releases the namespace of a node, if there is one.
func (n *Net) dropNode(node string) error {
	ns := n.nodes[node]
	if ns == nil {
		return nil
	}
	delete(n.nodes, node)
	return ns.Close()
}

// unname removes the names of the namespaces (Options.Keep) after a failed Build.
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

// nodeSettings returns the settings that keep the kernel from sending frames by itself. They are
// set before the namespace has interfaces. A new interface inherits the settings below "default",
// so the kernel sends no frame even when the interface is new.
func (n *Net) nodeSettings(node string) []setting {
	forward := "0"
	if slices.Contains(n.Topology.Forward, node) {
		forward = "1"
	}
	settings := []setting{
		{"net/ipv4/ip_forward", forward}, // must be first, because it resets the other settings
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

// hasIPv6 reports whether the running kernel has IPv6.
func hasIPv6() bool {
	_, err := os.Stat(filepath.Join(sysctlRoot, "net/ipv6"))
	return err == nil
}

// configure sets up one end of a new link as the topology says. It sets the offloads after the
// interface is up. Only then does turning on GRO make the other end of the veth pair a target of
// XDP redirects (veth_set_features in drivers/net/veth.c). An interface towards a tester's port
// sends no ARP requests, no neighbour solicitations and no multicast group reports.
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
		if !n.supports(p.Addr(), e.Node, e.Name) {
			n.Warnings = append(n.Warnings, fmt.Sprintf("%s: no address %s: no IPv6 in this kernel, or an MTU below %d", e.name(), p, minMTU6))
			continue
		}
		if err := ns.AddAddr(e.Name, p); err != nil {
			return err
		}
	}
	return nil
}
