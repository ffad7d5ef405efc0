package netns

import (
	"errors"
	"os"

	"github.com/vishvananda/netlink"

	"github.com/tunnelbench/tunnelbench/internal/sys"
)

func (ns *NS) counters(sinks map[string]bool) (Counters, error) {
	devs, err := ns.devStats()
	if err != nil {
		return nil, err
	}
	c := Counters{}
	for dev, s := range devs {
		name := ns.name + ":" + dev
		s.count(c, name, sinks[name])
	}
	return c, ns.Do(func() error {
		for _, file := range []string{"snmp", "netstat", "snmp6"} {
			// /proc/net would be that of the process's first thread.
			text, err := readFile("/proc/thread-self/net/" + file)
			if errors.Is(err, os.ErrNotExist) {
				continue // snmp6 of a kernel without IPv6
			}
			if err != nil {
				return err
			}
			mib, err := parseMIB(text)
			if err != nil {
				return err
			}
			countProtocols(c, ns.name, mib)
		}
		return nil
	})
}

func (ns *NS) devStats() (map[string]devStats, error) {
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
