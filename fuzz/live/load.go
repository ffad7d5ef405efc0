package live

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// ParseLoad reads a share of the forwarding rate, or a load.
func ParseLoad(text string, size rfc2544.FrameSize) (share float64, load rfc2544.Rate, err error) {
	if digits, ok := strings.CutSuffix(text, "%"); ok {
		v, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
		if err != nil || !(v > 0 && v <= 200) {
			return 0, 0, fmt.Errorf("%q: above 0%% and up to 200%% of the forwarding rate", text)
		}
		return v / 100, 0, nil
	}
	l, err := rfc2544.ParseLoad(text)
	if err != nil {
		return 0, 0, err
	}
	load = l.At(size, rfc2544.Gigabit)
	if load.IsFlood() {
		return 0, 0, fmt.Errorf("max: a flood loses frames without an attack: write a share such as 50%%")
	}
	return 0, load, nil
}

// ParseRate reads a rate of mutants.
func ParseRate(text string, size rfc2544.FrameSize) (rfc2544.Rate, error) {
	load, err := rfc2544.ParseLoad(text)
	if err != nil {
		return 0, err
	}
	rate := load.At(size, rfc2544.Gigabit)
	if rate.IsFlood() || strings.HasSuffix(text, "%") {
		return 0, fmt.Errorf("--rate %s: write mutants a second, such as 50kpps", text)
	}
	return rate, nil
}
