package netns

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Rebuild takes all nodes down but those with a tester's port, calls away, and
// makes them anew. The ends of links that lead to a tester's port are parked
// meanwhile in a namespace of their own, down and bare: the port at the other end
// stays what it is, with whoever uses it.
//
//	tester         left                     (parked)                 left
//	port0 ──── lan      wan ───   =>   port0 ──── lan   =>   port0 ──── lan      wan ───
//
// Processes in the nodes must have ended. After an error the network is fit for
// Close only.
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
	parked := map[string]string{} // by the end's name
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

// toPort are the link's ends, one that is a tester's port last.
func (l Link) toPort() (near, far End) {
	if l.A.Sink {
		return l.B, l.A
	}
	return l.A, l.B
}
