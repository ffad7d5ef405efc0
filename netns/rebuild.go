package netns

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Rebuild removes all nodes except those with a tester's port, calls away, and creates the nodes
// again. Meanwhile, the other end of each tester's port is in a temporary namespace, without
// addresses and down. So the tester's ports and the sockets on them stay as they are.
//
//	tester         left                     (parked)                 left
//	port0 ──── lan      wan ───   =>   port0 ──── lan   =>   port0 ──── lan      wan ───
//
// The processes in the removed nodes must have ended before. After an error, only Close may be
// called.
func (n *Net) Rebuild(ctx context.Context, away func() error) error {
	tester := func(node string) bool {
		return slices.ContainsFunc(n.Topology.Links, func(l Link) bool { return l.A.Node == node && l.A.Sink || l.B.Node == node && l.B.Sink })
	}
	parking, err := New("parking")
	if err != nil {
		return err
	}
	err = n.rebuild(ctx, parking, func(node string) bool { return !tester(node) }, away)
	if err != nil {
		err = fmt.Errorf("rebuild network %s: %w", n.Topology.Name, err)
	}
	return errors.Join(err, parking.Close())
}

func (n *Net) rebuild(ctx context.Context, parking *NS, wanted func(node string) bool, away func() error) error {
	parked := map[string]string{} // temporary interface name, by the name of the link end
	for i, l := range n.Topology.Links {
		if near, far := l.toPort(); far.Sink && wanted(near.Node) {
			parked[near.name()] = fmt.Sprintf("parked%d", i)
			if err := n.nodes[near.Node].move(near.Name, parked[near.name()], parking); err != nil {
				return err
			}
		}
	}
	for _, node := range slices.Backward(n.Topology.Nodes) {
		if wanted(node) {
			if err := n.dropNode(node); err != nil {
				return err
			}
		}
	}
	if err := away(); err != nil {
		return err
	}
	join := func(l Link, a, b *NS) error {
		near, far := l.toPort()
		if !far.Sink {
			return addVeth(l, a, b)
		}
		return parking.move(parked[near.name()], near.Name, n.nodes[near.Node])
	}
	for _, step := range n.steps(wanted, join) {
		err := context.Cause(ctx)
		if err == nil {
			err = step()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// toPort returns the ends of the link. If one of them is a tester's port, it is far.
func (l Link) toPort() (near, far End) {
	if l.A.Sink {
		return l.B, l.A
	}
	return l.A, l.B
}
