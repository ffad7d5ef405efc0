package lab

import (
	"errors"
	"fmt"
	"net"
	"slices"

	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/netns"
)

// reasons asks the kernel why it drops packets of a network.
type reasons struct {
	drops *loadgen.Drops
	net   *netns.Net
	nodes map[uint32]string // by the namespace's inode
}

// openReasons begins to watch, where it was asked for and the kernel can.
func (b *Setup) openReasons() error {
	if !b.settings.Reasons {
		return nil
	}
	r := &reasons{net: b.net, nodes: map[uint32]string{}}
	var inodes []uint32
	for _, node := range b.net.Topology.Nodes {
		if node == netns.Tester || slices.Contains(b.net.Topology.Relays, node) {
			continue // what ends there has arrived, or goes on by a process
		}
		inode, err := b.net.NS(node).Inode()
		if err != nil {
			return err
		}
		r.nodes[inode], inodes = node, append(inodes, inode)
	}
	var err error
	if r.drops, err = loadgen.NewDrops(inodes); errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	if err != nil {
		return err
	}
	b.reasons = r
	b.closers = append(b.closers, r.drops.Close)
	return nil
}

func (r *reasons) arm() error {
	if r == nil {
		return nil
	}
	return r.drops.Arm()
}

// read ends the watch: packets by "node:interface REASON".
func (r *reasons) read() (map[string]int64, error) {
	if r == nil {
		return nil, nil
	}
	counts, err := r.drops.Disarm()
	if err != nil {
		return nil, err
	}
	named := map[string]int64{}
	for place, n := range counts {
		node := r.nodes[place.NetNS]
		named[fmt.Sprintf("%s%s %s", node, r.device(node, place.Interface), place.Reason)] += int64(n)
	}
	return named, nil
}

// device is the interface's name behind a colon; nothing where the packet had none.
func (r *reasons) device(node string, index int) (name string) {
	err := r.net.NS(node).Do(func() error {
		dev, err := net.InterfaceByIndex(index)
		if err == nil {
			name = ":" + dev.Name
		}
		return err
	})
	if err != nil {
		return ""
	}
	return name
}
