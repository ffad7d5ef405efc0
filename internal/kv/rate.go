package kv

import (
	"math"
	"strconv"
	"strings"
)

// Unit is the unit of a rate.
type Unit int

// The units of a rate.
const (
	Frames Unit = iota + 1 // per second
	Bits                   // per second
	Share                  // of a link's largest rate
)

// Rate is a rate as written by the user: 150kpps is 150000 Frames, 80% is a Share of 0.8.
type Rate struct {
	Value float64 // finite; callers check the range
	Unit  Unit
}

var units = []struct {
	suffix string
	unit   Unit
	factor float64
}{
	{"mpps", Frames, 1e6}, {"kpps", Frames, 1e3}, {"pps", Frames, 1}, {"fps", Frames, 1},
	{"gbps", Bits, 1e9}, {"mbps", Bits, 1e6}, {"kbps", Bits, 1e3}, {"bps", Bits, 1},
	{"%", Share, 0.01},
}

// ParseRate reads 150kpps, 3Mpps, 10fps, 1Gbps, 100Mbps, 80% and the like; case does not matter. ok
// is false for other text: the caller writes the error, since it knows which units it accepts.
func ParseRate(s string) (r Rate, ok bool) {
	text := strings.ToLower(strings.TrimSpace(s))
	for _, u := range units {
		digits, found := strings.CutSuffix(text, u.suffix)
		if !found {
			continue
		}
		v, err := strconv.ParseFloat(digits, 64)
		v *= u.factor
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
			return Rate{}, false
		}
		return Rate{v, u.unit}, true
	}
	return Rate{}, false
}
