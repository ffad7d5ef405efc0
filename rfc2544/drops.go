package rfc2544

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// Drop is what one counter of the kernel saw dropped during a trial.
type Drop struct {
	Node   string `json:"node"`   // network namespace; empty for the whole machine
	Device string `json:"device"` // interface or CPU; empty for a counter of the whole node
	Kind   string `json:"kind"`   // such as rx_dropped, or "udp rcvbuf"
	Also   bool   `json:"also"`   // another counter counts these frames, too
	Frames int64  `json:"frames"` // a super-packet (GSO, GRO) counts once, whatever it held
}

// Place names the counter: "left:lan rx_dropped", "right udp rcvbuf", "cpu1 backlog".
func (d Drop) Place() string { return placeText(d.Node, d.Device, d.Kind) }

// Drops are what all counters saw dropped, in the order of their places.
type Drops []Drop

// Sum is the number of frames dropped, each counted once: drops that another counter
// counts, too, are left out.
func (d Drops) Sum() (sum int64) {
	for _, one := range d.Once() {
		sum += one.Frames
	}
	return sum
}

// Once returns the drops without those that another counter counts, too.
func (d Drops) Once() Drops {
	return slices.DeleteFunc(slices.Clone(d), func(one Drop) bool { return one.Also })
}

// At is the number of frames dropped at a place.
func (d Drops) At(place string) int64 {
	i := slices.IndexFunc(d, func(one Drop) bool { return one.Place() == place })
	if i < 0 {
		return 0
	}
	return d[i].Frames
}

// UnmarshalJSON reads a list of drops, or the object of numbers by place that results of
// schema /1 and older journals have.
func (d *Drops) UnmarshalJSON(data []byte) error {
	return unmarshalPlaces(data, (*[]Drop)(d), func(node, device, kind string, n int64) Drop {
		return Drop{Node: node, Device: device, Kind: kind, Frames: n}
	})
}

// DropReason is why the kernel dropped packets at one place, in its own words.
type DropReason struct {
	Node   string `json:"node"`
	Device string `json:"device"` // empty when the packet had no interface
	Reason string `json:"reason"` // of enum skb_drop_reason, without its prefix
	Frames int64  `json:"frames"`
}

// Place names the reason and where it was given: "left:lan NO_SOCKET".
func (d DropReason) Place() string { return placeText(d.Node, d.Device, d.Reason) }

// DropReasons are all of a trial, in the order of their places.
type DropReasons []DropReason

// UnmarshalJSON reads both forms, as Drops does.
func (d *DropReasons) UnmarshalJSON(data []byte) error {
	return unmarshalPlaces(data, (*[]DropReason)(d), func(node, device, reason string, n int64) DropReason {
		return DropReason{Node: node, Device: device, Reason: reason, Frames: n}
	})
}

func placeText(node, device, what string) string {
	if node != "" && device != "" {
		node += ":"
	}
	if place := node + device; place != "" {
		return place + " " + what
	}
	return what
}

// parsePlace is the reverse of placeText.
func parsePlace(text string) (node, device, what string) {
	place, what, ok := strings.Cut(text, " ")
	if !ok {
		return "", "", text
	}
	if what == "backlog" {
		return "", place, what
	}
	node, device, _ = strings.Cut(place, ":")
	return node, device, what
}

func unmarshalPlaces[T any](data []byte, into *[]T, record func(node, device, what string, n int64) T) error {
	if !bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		return json.Unmarshal(data, into)
	}
	var frames map[string]int64
	if err := json.Unmarshal(data, &frames); err != nil {
		return err
	}
	*into = make([]T, 0, len(frames))
	for _, text := range slices.Sorted(maps.Keys(frames)) {
		node, device, what := parsePlace(text)
		*into = append(*into, record(node, device, what, frames[text]))
	}
	return nil
}

// oldUnexplained is where results of schema /1 have Observation.Unexplained: among the drops.
const oldUnexplained = "unexplained"

// UnmarshalJSON reads an observation of this version or of schema /1.
func (o *Observation) UnmarshalJSON(data []byte) error {
	type plain Observation // without this method
	if err := json.Unmarshal(data, (*plain)(o)); err != nil {
		return err
	}
	o.Drops = slices.DeleteFunc(o.Drops, func(d Drop) bool {
		isOld := d == Drop{Kind: oldUnexplained, Frames: d.Frames}
		if isOld {
			o.Unexplained = d.Frames
		}
		return isOld
	})
	return nil
}
