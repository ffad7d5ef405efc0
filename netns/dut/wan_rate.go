package dut

import "github.com/tunnelbench/tunnelbench/netns/relay"

// WANRate is the speed of the wan link that --wan asks for, in bits per second of
// frames with their FCS; ok is false where it has none, or one of frames.
func WANRate(spec string) (bits float64, ok bool) {
	values, err := relay.Split(spec)
	if err != nil {
		return 0, false
	}
	c, err := relay.Parse(values)
	return float64(c.Rate.PerSecond), err == nil && c.Rate.Bits
}
