package field

import "fmt"

// MostLost is the share of frames that a device may lose at the light load and at half of its own rate and still counts as
// working: no tunnel has to lose any there. mostDisturbed is the same where the machine disturbed all of the time.
const (
	MostLost      = 0.1
	mostDisturbed = 0.5
)

// Judge returns whether a device that came up works, and if not the figures that say so, on one line.
func Judge(points []Point) (State, string) {
	for _, p := range points {
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

// fails reports whether a device lost too much.
func (l Load) fails() bool {
	if l.CleanOffered == 0 {
		return l.LossRatio() > mostDisturbed
	}
	return l.LossRatio() > MostLost
}
