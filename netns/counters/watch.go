package counters

import (
	"cmp"
	"net"
	"slices"

	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// cause is where and why the kernel dropped packets.
type cause struct {
	namespace uint32 // inode of the network namespace
	device    int    // index of the interface in that namespace
	reason    string // of enum skb_drop_reason, without its prefix
}

// Watch asks the kernel why it drops packets of a network.
type Watch struct {
	monitor *monitor
	net     *netns.Net
	nodes   map[uint32]string // by the namespace's inode
}

// NewWatch attaches a program to the kernel's drops; it counts once it is armed. Nodes of the
// tester and of relays are not watched: what ends there has arrived, or a process passes it on.
// The error wraps errors.ErrUnsupported where the kernel cannot give reasons.
func NewWatch(n *netns.Net) (*Watch, error) {
	w := &Watch{net: n, nodes: map[uint32]string{}}
	var inodes []uint32
	for _, node := range n.Topology.Nodes {
		if node == netns.Tester || slices.Contains(n.Topology.Relays, node) {
			continue
		}
		inode, err := n.NS(node).Inode()
		if err != nil {
			return nil, err
		}
		w.nodes[inode], inodes = node, append(inodes, inode)
	}
	m, err := newMonitor(inodes)
	if err != nil {
		return nil, err
	}
	w.monitor = m
	return w, nil
}

// Arm begins to count from zero.
func (w *Watch) Arm() error { return w.monitor.arm() }

// Disarm stops counting and returns the counts.
func (w *Watch) Disarm() (rfc2544.DropReasons, error) {
	counts, err := w.monitor.disarm()
	if err != nil {
		return nil, err
	}
	frames := map[rfc2544.DropReason]int64{} // by records whose Frames is 0
	for c, n := range counts {
		node := w.nodes[c.namespace]
		frames[rfc2544.DropReason{Node: node, Device: w.deviceName(node, c.device), Reason: c.reason}] += int64(n)
	}
	reasons := rfc2544.DropReasons{}
	for reason, n := range frames {
		reason.Frames = n
		reasons = append(reasons, reason)
	}
	slices.SortFunc(reasons, func(a, b rfc2544.DropReason) int { return cmp.Compare(a.Place(), b.Place()) })
	return reasons, nil
}

// Close detaches the program.
func (w *Watch) Close() error { return w.monitor.close() }

// deviceName is the name of an interface by its index; empty where the packet had none.
func (w *Watch) deviceName(node string, index int) (name string) {
	err := w.net.NS(node).Do(func() error {
		dev, err := net.InterfaceByIndex(index)
		if err == nil {
			name = dev.Name
		}
		return err
	})
	if err != nil {
		return ""
	}
	return name
}
