package dut

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"

	"github.com/tunnelbench/tunnelbench/internal/kv"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/relay"
)

// WAN is what --wan asks for: a relay between the ends of the wan link, or a
// token bucket on each of them.
type WAN struct {
	Relay map[string]string // its parameters; nil: none
	Shape *Shape            // nil: none
}

// shapedPrefix begins a token bucket's parameters.
const shapedPrefix = "shaped:"

// ParseWAN reads delay=20ms,loss=1% and the like, a relay's parameters, or
// shaped:rate=1Gbps and the like, a token bucket's; empty is a link without either.
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

// Rate is the speed of the link in bits per second of frames of so many octets
// with their FCS, which a token bucket does not count; ok is false where it has none,
// or one of frames.
func (w WAN) Rate(frame int) (bits float64, ok bool) {
	const fcs = 4
	if w.Shape != nil {
		return float64(w.Shape.Rate) * float64(frame) / float64(frame-fcs), true
	}
	c, err := relay.Parse(w.Relay)
	return float64(c.Rate.PerSecond), err == nil && c.Rate.Bits
}

// Put makes both ends of the wan link of a network send through the bucket.
func (s Shape) Put(n *netns.Net) error {
	for _, side := range sides {
		if err := n.NS(side.node).Netlink(func(h *netlink.Handle) error { return s.put(h, netns.WAN) }); err != nil {
			return err
		}
	}
	return nil
}
