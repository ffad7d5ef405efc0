package behaviour

import (
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/tunnelbench/tunnelbench/netns"
)

// roadNode is the node in the middle of the wan link.
const roadNode = "road"

// The sides of the road, as indices.
const (
	left  = 0
	right = 1
)

// road passes the frames of the wan link on, in both directions.
type road struct {
	taps  [2]*tap // by the side that they face
	stop  chan struct{}
	ended chan struct{}

	mu     sync.Mutex
	noting bool
	noted  [2][][]byte // frames from each side while noting, as they came
	edit   Edit
}

// Edit may change a frame that comes from a side of the road, in place. The frame goes no further if it returns false.
type Edit func(from int, frame []byte) bool

// throughRoad puts a road into the wan link of a topology.
func throughRoad(t netns.Topology) netns.Topology {
	t, _ = netns.Between(t)
	rename := func(nodes []string) []string {
		nodes = slices.Clone(nodes)
		for i, node := range nodes {
			if node == netns.BetweenNode {
				nodes[i] = roadNode
			}
		}
		return nodes
	}
	t.Nodes, t.Relays = rename(t.Nodes), rename(t.Relays)
	for i := range t.Links {
		for _, end := range []*netns.End{&t.Links[i].A, &t.Links[i].B} {
			if end.Node == netns.BetweenNode {
				end.Node = roadNode
			}
		}
	}
	return t
}

// openRoad opens a road for frames of at most that many octets.
func openRoad(n *netns.Net, largest int) (*road, error) {
	r := &road{stop: make(chan struct{}), ended: make(chan struct{})}
	for side, dev := range []string{netns.Left, netns.Right} {
		var err error
		if r.taps[side], err = openTap(n.NS(roadNode), dev, largest); err != nil {
			return nil, errors.Join(err, r.closeTaps())
		}
	}
	go r.routinePass()
	return r, nil
}

// routinePass passes frames until the road is closed.
func (r *road) routinePass() {
	defer close(r.ended)
	const look = 10 * time.Millisecond // for the end
	for {
		select {
		case <-r.stop:
			return
		default:
		}
		for from, tap := range r.taps {
			tap.each(func(frame []byte) {
				if r.note(from, frame) {
					_ = r.taps[1-from].send(frame) // a wan link tells nobody of a frame that it loses
				}
			})
		}
		_ = wait(look, r.taps[left], r.taps[right])
	}
}

// note notes a frame, edits it and reports whether it goes on.
func (r *road) note(from int, frame []byte) bool {
	const most = 1 << 14 // frames noted of each side
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.noting && len(r.noted[from]) < most {
		r.noted[from] = append(r.noted[from], slices.Clone(frame))
	}
	return r.edit == nil || r.edit(from, frame)
}

// begin forgets what was noted, and notes from now on.
func (r *road) begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.noting, r.noted = true, [2][][]byte{}
}

// end returns the frames from each side since begin.
func (r *road) end() [2][][]byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.noting = false
	return r.noted
}

func (r *road) close() error {
	close(r.stop)
	<-r.ended
	return r.closeTaps()
}

func (r *road) closeTaps() (err error) {
	for _, t := range r.taps {
		if t != nil {
			err = errors.Join(err, t.Close())
		}
	}
	return err
}
