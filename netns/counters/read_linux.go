package counters

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/vishvananda/netlink"

	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/netns"
)

// Read takes a snapshot of the counters of every interface in a network's namespaces but lo,
// those that a tunnel made included, of its nodes' protocols and of the machine's CPUs.
func Read(n *netns.Net) (Snapshot, error) {
	all := Snapshot{}
	sinks := map[device]bool{}
	for _, l := range n.Topology.Links {
		sinks[deviceOf(l.A)], sinks[deviceOf(l.B)] = l.A.Sink, l.B.Sink
	}
	for _, node := range n.Topology.Nodes {
		isRelay := slices.Contains(n.Topology.Relays, node)
		if err := readNode(all, n.NS(node), sinks, isRelay); err != nil {
			return nil, fmt.Errorf("drop counters: %w", err)
		}
	}
	for _, l := range n.Topology.Links {
		all.settleVeth(deviceOf(l.A), deviceOf(l.B), l.B.Polled())
		all.settleVeth(deviceOf(l.B), deviceOf(l.A), l.A.Polled())
	}
	text, err := os.ReadFile("/proc/net/softnet_stat")
	if err == nil {
		err = countBacklogs(all, string(text))
	}
	if err != nil {
		return nil, fmt.Errorf("drop counters: %w", err)
	}
	return all, nil
}

// readNode adds the counters of a node. A relay's protocols lose nothing: what the kernel
// drops there are its copies of frames that a process passes on.
func readNode(all Snapshot, ns *netns.NS, sinks map[device]bool, isRelay bool) error {
	devices, err := readDevices(ns)
	if err != nil {
		return err
	}
	for name, stats := range devices {
		dev := device{ns.Name(), name}
		stats.count(all, dev, sinks[dev])
	}
	if isRelay {
		return nil
	}
	return ns.Do(func() error { return readProtocols(all, ns.Name()) })
}

// readProtocols adds the counters of the protocols of the calling thread's namespace.
func readProtocols(all Snapshot, node string) error {
	for _, file := range []string{"snmp", "netstat", "snmp6"} {
		// /proc/net is the namespace of the process's first thread, so read this thread's.
		text, err := os.ReadFile("/proc/thread-self/net/" + file)
		if errors.Is(err, os.ErrNotExist) {
			continue // snmp6 of a kernel without IPv6
		}
		if err != nil {
			return err
		}
		mib, err := parseMIB(string(text))
		if err != nil {
			return err
		}
		countProtocols(all, node, mib)
	}
	return nil
}

// readDevices reads the counters of each interface of a namespace but lo.
func readDevices(ns *netns.NS) (map[string]devStats, error) {
	devs := map[string]devStats{}
	names := map[int]string{}
	err := ns.Netlink(func(h *netlink.Handle) error {
		links, err := h.LinkList()
		if err != nil {
			return err
		}
		for _, link := range links {
			a := link.Attrs()
			if a.Name == "lo" || a.Statistics == nil {
				continue
			}
			s := a.Statistics
			names[a.Index] = a.Name
			devs[a.Name] = devStats{
				stacked:   link.Type() != "veth" && link.Type() != "tuntap",
				rxDropped: int64(s.RxDropped), txDropped: int64(s.TxDropped),
				rxErrors: int64(s.RxErrors), txErrors: int64(s.TxErrors),
				rxMissed: int64(s.RxMissedErrors),
			}
		}
		return addQdiscs(h, names, devs)
	})
	if err != nil {
		return nil, err
	}
	return devs, ns.Do(func() error {
		for name, s := range devs {
			if s.driver, err = sys.EthStats(name); err != nil && !errors.Is(err, errors.ErrUnsupported) {
				return err
			}
			devs[name] = s
		}
		return nil
	})
}

// addQdiscs adds the drops of each interface's root queueing discipline.
func addQdiscs(h *netlink.Handle, names map[int]string, devs map[string]devStats) error {
	qdiscs, err := h.QdiscList(nil)
	if err != nil {
		return err
	}
	for _, q := range qdiscs {
		a := q.Attrs()
		name, ok := names[a.LinkIndex]
		if !ok || a.Parent != netlink.HANDLE_ROOT || a.Statistics == nil || a.Statistics.Queue == nil {
			continue
		}
		s := devs[name]
		s.qdisc += int64(a.Statistics.Queue.Drops)
		devs[name] = s
	}
	return nil
}
