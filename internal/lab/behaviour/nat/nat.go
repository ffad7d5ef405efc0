package nat

import (
	"github.com/tunnelbench/tunnelbench/internal/lab/behaviour/tap"
	"github.com/tunnelbench/tunnelbench/netns"
)

// NAT passes frames between two interfaces of a namespace.
type NAT struct {
	*tap.Road
	table table
}

// Open starts to pass frames. largest is the largest frame, in octets.
func Open(ns *netns.NS, left, right string, largest int) (*NAT, error) {
	n := &NAT{}
	road, err := tap.OpenRoad(ns, left, right, largest, n.table.translate)
	if err != nil {
		return nil, err
	}
	n.Road = road
	return n, nil
}

// Forget makes the NAT translate to other ports from now on.
func (n *NAT) Forget() { n.table.forgotten.Store(true) }
