package tap

import (
	"errors"
	"sync"
	"time"

	"github.com/tunnelbench/tunnelbench/netns"
)

// The sides of a Road, as indices.
const (
	Left  = 0
	Right = 1
)

// Road passes the frames that arrive at either of two interfaces on to the other one.
type Road struct {
	taps    [2]*Tap
	edit    Edit
	stop    chan struct{}
	running sync.WaitGroup
}

// Edit may change a frame that comes from a side, in place. The frame goes no further if it returns false. The calls
// come from one goroutine.
type Edit func(from int, frame []byte) bool

// OpenRoad opens a road between two interfaces of a namespace, for frames of at most that many octets.
func OpenRoad(ns *netns.NS, left, right string, largest int, edit Edit) (*Road, error) {
	const slots = 4096
	r := &Road{edit: edit, stop: make(chan struct{})}
	for side, dev := range []string{left, right} {
		var err error
		if r.taps[side], err = Open(ns, dev, slots, largest, nil); err != nil {
			return nil, errors.Join(err, r.closeTaps())
		}
	}
	r.running.Go(r.pass)
	return r, nil
}

// pass passes frames on until the road is closed.
func (r *Road) pass() {
	const look = 10 * time.Millisecond // for the end
	poll := NewPoll(r.taps[Left], r.taps[Right])
	for {
		select {
		case <-r.stop:
			return
		default:
		}
		for from, t := range r.taps {
			t.Each(func(f Frame) {
				if r.edit(from, f.Data) {
					_ = r.taps[1-from].Send(f.Data) // a wan link tells nobody of a frame that it loses
				}
			})
		}
		_ = poll.Wait(look)
	}
}

// Close ends the passing.
func (r *Road) Close() error {
	close(r.stop)
	r.running.Wait()
	return r.closeTaps()
}

func (r *Road) closeTaps() (err error) {
	for _, t := range r.taps {
		if t != nil {
			err = errors.Join(err, t.Close())
		}
	}
	return err
}
