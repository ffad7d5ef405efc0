package behaviour

import (
	"fmt"
	"strings"
	"time"
)

// Goodput is the test that measures TCP on lossy and long paths. Its values have the names of paths.
const Goodput = "goodput"

// Path is a wan link on which a TCP stream was measured.
type Path struct {
	Loss              string // each way, such as "1%"
	RTT               time.Duration
	CongestionControl string
}

// Name returns the name of the path's goodput, such as "1%-20ms-cubic".
func (p Path) Name() string { return fmt.Sprintf("%s-%v-%s", p.Loss, p.RTT, p.CongestionControl) }

// Share returns the name of the goodput's share of that without a tunnel, in per cent.
func (p Path) Share() string { return p.Name() + "-share" }

// ParsePath returns the path of a name; ok is false for other names.
func ParsePath(name string) (p Path, ok bool) {
	parts := strings.Split(name, "-")
	const loss, rtt, cc, all = 0, 1, 2, 3
	if len(parts) != all {
		return p, false
	}
	d, err := time.ParseDuration(parts[rtt])
	return Path{parts[loss], d, parts[cc]}, err == nil && d > 0
}
