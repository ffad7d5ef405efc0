package dut

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/tunnelbench/tunnelbench/internal/kv"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/dut/role"
	"github.com/tunnelbench/tunnelbench/netns/relay"
)

// WAN holds the value of --wan. It is a relay in the middle of the WAN link or a token bucket at
// both ends of the WAN link.
type WAN struct {
	Relay map[string]string // parameters of the relay; nil: no relay
	Shape *Shape            // the token bucket; nil: no token bucket
}

// shapedPrefix precedes the parameters of a token bucket.
const shapedPrefix = "shaped:"

// ParseWAN reads the parameters of a relay, such as delay=20ms,loss=1%, or of a token bucket,
// such as shaped:rate=1Gbps. An empty spec is a WAN link without a relay or a token bucket.
func ParseWAN(spec string) (WAN, error) {
	if err := plainText(spec); err != nil {
		return WAN{}, fmt.Errorf("wan %w", err)
	}
	if spec == "" {
		return WAN{}, nil
	}
	w, err := parseWAN(spec)
	if err != nil {
		return WAN{}, fmt.Errorf("wan %q: %w", spec, err)
	}
	return w, nil
}

func parseWAN(spec string) (WAN, error) {
	if text, isShape := strings.CutPrefix(spec, shapedPrefix); isShape {
		values, err := kv.Parse(text, slices.Sorted(maps.Keys(shaped.Params)))
		if err != nil {
			return WAN{}, err
		}
		shape, err := ParseShape(values.Map())
		return WAN{Shape: &shape}, err
	}
	values, err := relay.Split(spec)
	if err != nil {
		return WAN{}, err
	}
	_, err = relay.Parse(values)
	return WAN{Relay: values}, err
}

// Rate returns the speed of the WAN link in bits per second, including the FCS, for frames of
// the given size in bytes, including the FCS. A token bucket does not count the FCS, so its rate
// is converted. ok is false if the link has no rate or a rate in frames per second.
func (w WAN) Rate(frame int) (bits float64, ok bool) {
	const fcs = 4
	if w.Shape != nil {
		return float64(w.Shape.Rate) * float64(frame) / float64(frame-fcs), true
	}
	c, err := relay.Parse(w.Relay)
	return float64(c.Rate.PerSecond), err == nil && c.Rate.Bits
}

// Transit returns the shortest and the longest time that a frame takes over the WAN link if it waits
// behind no other. frame is its size in bytes.
func (w WAN) Transit(frame int) (least, most time.Duration) {
	if w.Shape != nil {
		most = time.Duration(float64(8*frame) / float64(w.Shape.Rate) * float64(time.Second))
		return 0, most // nothing waits while the bucket is full
	}
	c, _ := relay.Parse(w.Relay) // ParseWAN has checked it
	return c.Transit(frame)
}

// Transit is WAN.Transit for a device of known effect; it is 0 for other devices.
func (d Device) Transit(frame int) (least, most time.Duration) {
	switch d.Name {
	case role.Relay:
		return WAN{Relay: d.Values}.Transit(frame)
	case shaped.Name:
		s, _ := ParseShape(d.Values) // Parse has checked it
		return WAN{Shape: &s}.Transit(frame)
	}
	return 0, 0
}

// Put attaches the token bucket to both ends of the WAN link of a network.
func (s Shape) Put(n *netns.Net) error {
	for _, side := range sides {
		if err := n.NS(side.node).Netlink(func(h *netlink.Handle) error { return s.put(h, netns.WAN) }); err != nil {
			return err
		}
	}
	return nil
}
