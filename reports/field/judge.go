package field

import (
	"fmt"
	"slices"
)

// MostLost is the share of frames that a device may lose at the light load and at half of its own rate and still counts as
// working: no tunnel has to lose any there. mostDisturbed is the same where the machine disturbed all of the time.
const (
	MostLost      = 0.1
	mostDisturbed = 0.5
)

// Judge returns whether a device that came up works, and if not the figures that say so, on one line. Frames too large for
// it are no fault.
func Judge(points []Point) (State, string) {
	for _, p := range points {
		if p.TooLarge(points) {
			continue
		}
		for _, l := range []*Load{p.Light, p.Half} {
			if l != nil && l.fails() {
				return Overloaded, fmt.Sprintf("lost %d of %d frames of %d bytes at %.0f frames/s, %d of them corrupted", l.Lost(), l.Offered, p.Size, float64(l.Rate), l.Corrupted)
			}
		}
		if p.Light != nil && p.Rate != nil && p.Rate.Value == 0 {
			return Overloaded, fmt.Sprintf("no frame of %d bytes passes in a closed loop", p.Size)
		}
	}
	return Works, ""
}

// TooLarge reports whether a device carries no frame of this size, not even at the light load, but smaller ones; all are the
// points of the device.
func (p Point) TooLarge(all []Point) bool {
	return p.Silent() && slices.ContainsFunc(all, func(o Point) bool { return o.Size < p.Size && !o.Silent() })
}

// Silent reports whether no frame passed at the light load.
func (p Point) Silent() bool {
	return p.Light != nil && p.Light.Received+p.Light.Late+p.Light.Corrupted == 0
}

// fails reports whether a device lost too much.
func (l Load) fails() bool {
	if l.CleanOffered == 0 {
		return l.LossRatio() > mostDisturbed
	}
	return l.LossRatio() > MostLost
}
