package counters

import (
	"cmp"
	"net"
	"slices"

	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// cause is a place and a reason of dropped packets.
type cause struct {
	namespace uint32 // inode of the network namespace
	device    int    // index of the interface in that namespace
	reason    string // name in enum skb_drop_reason, without the prefix SKB_DROP_REASON_
}

// Watch counts the packets that the kernel drops in a network, by place and drop reason.
type Watch struct {
	monitor *monitor
	net     *netns.Net
	nodes   map[uint32]string // name of each node, by the inode number of its namespace
}

// NewWatch attaches a BPF program to the tracepoint for dropped packets. The program counts only
// after Arm. It ignores the tester and relays, because the kernel drops only frames there that the
// tester has counted or the relay process forwards. The error wraps errors.ErrUnsupported if the
// kernel has no drop reasons.
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

// Arm sets the counters to zero and starts counting.
func (w *Watch) Arm() error { return w.monitor.arm() }

// Disarm stops counting and returns the counts.
func (w *Watch) Disarm() (rfc2544.DropReasons, error) {
	counts, err := w.monitor.disarm()
	if err != nil {
		return nil, err
	}
	frames := map[rfc2544.DropReason]int64{} // the keys have a Frames field of 0
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

// Close detaches the BPF program.
func (w *Watch) Close() error { return w.monitor.close() }

// deviceName returns the name of an interface of a node by its index. It returns "" if there is no
// such interface.
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
