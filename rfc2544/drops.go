package rfc2544

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// Drop is the number of frames that one kernel counter counted as dropped during a trial.
type Drop struct {
	Node   string `json:"node"`   // network namespace; empty for the whole machine
	Device string `json:"device"` // interface or CPU; empty for a counter of the whole node
	Kind   string `json:"kind"`   // such as rx_dropped, or "udp rcvbuf"
	Also   bool   `json:"also"`   // another counter counts these frames, too
	Frames int64  `json:"frames"` // a super-packet (GSO, GRO) counts once, whatever it held
}

// Place names the counter: "left:lan rx_dropped", "right udp rcvbuf", "cpu1 backlog".
func (d Drop) Place() string { return placeText(d.Node, d.Device, d.Kind) }

// Drops holds one Drop per counter, sorted by place.
type Drops []Drop

// Sum returns the number of dropped frames. A frame counted by several counters is added once.
func (d Drops) Sum() (sum int64) {
	for _, one := range d.Once() {
		sum += one.Frames
	}
	return sum
}

// Once returns the drops without those that another counter counts too.
func (d Drops) Once() Drops {
	return slices.DeleteFunc(slices.Clone(d), func(one Drop) bool { return one.Also })
}

// At returns the number of frames dropped at a place.
func (d Drops) At(place string) int64 {
	i := slices.IndexFunc(d, func(one Drop) bool { return one.Place() == place })
	if i < 0 {
		return 0
	}
	return d[i].Frames
}

// UnmarshalJSON reads a list of drops, or an object of numbers by place, as in schema /1 and in
// older journals.
func (d *Drops) UnmarshalJSON(data []byte) error {
	return unmarshalPlaces(data, (*[]Drop)(d), func(node, device, kind string, n int64) Drop {
		return Drop{Node: node, Device: device, Kind: kind, Frames: n}
	})
}

// DropReason counts packets that the kernel dropped at one place for one reason.
type DropReason struct {
	Node   string `json:"node"`
	Device string `json:"device"` // empty when the packet had no interface
	Reason string `json:"reason"` // of enum skb_drop_reason, without its prefix
	Frames int64  `json:"frames"`
}

// Place returns interface and reason: "left:lan NO_SOCKET".
func (d DropReason) Place() string { return placeText(d.Node, d.Device, d.Reason) }

// DropReasons holds all drop reasons of a trial, sorted by place.
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

// parsePlace is the inverse of placeText.
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

// oldUnexplained is the key in the drops of schema /1 that is now Observation.Unexplained.
const oldUnexplained = "unexplained"

// UnmarshalJSON reads an observation of the current schema or of schema /1.
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
