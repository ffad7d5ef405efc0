package behaviour

import (
	"slices"
	"sync"

	"github.com/tunnelbench/tunnelbench/internal/lab/behaviour/tap"
	"github.com/tunnelbench/tunnelbench/netns"
)

// The sides of the road, as indices.
const (
	left  = tap.Left
	right = tap.Right
)

// road passes the frames of the wan link on, in both directions.
type road struct {
	*tap.Road

	mu     sync.Mutex
	noting bool
	noted  [2][][]byte // frames from each side while noting, as they came
	edit   tap.Edit    // nil: none
}

// openRoad opens a road for frames of at most that many octets, in a network of netns.Between.
func openRoad(n *netns.Net, largest int) (*road, error) {
	r := &road{}
	passing, err := tap.OpenRoad(n.NS(netns.BetweenNode), netns.Left, netns.Right, largest, r.note)
	if err != nil {
		return nil, err
	}
	r.Road = passing
	return r, nil
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
