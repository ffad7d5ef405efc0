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

// Read takes a snapshot of the drop counters of a network: of all interfaces except lo, including
// the interfaces of a tunnel; of the protocols IP and UDP in each node; and of the CPU backlogs of
// the machine.
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

// readNode adds the counters of a node to all. It leaves out the protocol counters of a relay.
// There the kernel drops only copies of the frames that the relay process forwards.
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

// readProtocols adds the protocol counters of the calling thread's namespace to all.
func readProtocols(all Snapshot, node string) error {
	for _, file := range []string{"snmp", "netstat", "snmp6"} {
		// /proc/net shows the namespace of the main thread, so use /proc/thread-self/net.
		text, err := os.ReadFile("/proc/thread-self/net/" + file)
		if errors.Is(err, os.ErrNotExist) {
			continue // a kernel without IPv6 has no snmp6
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

// readDevices returns the counters of all interfaces of a namespace except lo.
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

// addQdiscs adds the drops of the root queueing discipline of each interface to devs.
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
