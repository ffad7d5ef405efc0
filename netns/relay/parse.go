package relay

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/kv"
)

// Rate is the rate of a link in frames per second or in bits per second.
type Rate struct {
	PerSecond uint64
	Bits      bool // PerSecond counts the bits of frames, including the FCS
}

func parseRate(s string) (Rate, error) {
	r, ok := kv.ParseRate(s)
	if v := r.Value; !ok || r.Unit == kv.Share || !(v >= 1 && v <= 1e12) || v != math.Trunc(v) {
		return Rate{}, errors.New("write a whole number of frames or bits per second, such as 10kpps or 100Mbps")
	}
	return Rate{uint64(r.Value), r.Unit == kv.Bits}, nil
}

func parseQueue(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > MaxQueue {
		return 0, fmt.Errorf("from 1 to %d frames", MaxQueue)
	}
	return n, nil
}

func parseTime(s string, most time.Duration) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 || d > most {
		return 0, fmt.Errorf("a time from 0s to %v, such as 20us or 1ms", most)
	}
	return d, nil
}

// parseEvery reads a pattern of the form 1/N, where N is at least 2.
func parseEvery(s string) (Every, error) {
	one, digits, _ := strings.Cut(s, "/")
	n, err := strconv.ParseUint(digits, 10, 32)
	if one != "1" || err != nil || n < 2 {
		return 0, errors.New("write 1/N, N from 2 up: every Nth frame")
	}
	return Every(n), nil
}

// parseSpike reads a spike of the form TIME/N. 2ms/100 is an extra delay of 2 ms for every 100th
// frame.
func parseSpike(s string) (Spike, error) {
	length, digits, ok := strings.Cut(s, "/")
	d, err := parseTime(length, MaxDelay)
	n, failed := parseEvery("1/" + digits)
	if !ok || err != nil || failed != nil || d == 0 {
		return Spike{}, errors.New("write TIME/N, N from 2 up, such as 2ms/100: so much more for every Nth frame")
	}
	return Spike{d, n}, nil
}

func parseShare(s string) (float64, error) {
	digits, ok := strings.CutSuffix(s, "%")
	v, err := strconv.ParseFloat(digits, 64)
	if !ok || err != nil || !(v >= 0 && v <= 100) {
		return 0, errors.New("a percentage from 0% to 100%")
	}
	return v / 100, nil
}

func parseOutage(s string) (Outage, error) {
	start, length, _ := strings.Cut(s, "+")
	var o Outage
	var err1, err2 error
	o.Start, err1 = time.ParseDuration(start)
	o.Length, err2 = time.ParseDuration(length)
	if err1 != nil || err2 != nil || o.Start < MinStart || o.Length <= 0 || o.Start > time.Hour || o.Length > time.Hour {
		return Outage{}, fmt.Errorf("write START+LENGTH such as 1s+2.5s, START from %v up", MinStart)
	}
	return o, nil
}

func parseSeed(s string) (uint64, error) {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0, errors.New("a whole number from 0 up")
	}
	return n, nil
}

func parseSpin(s string) (sleep bool, err error) {
	if s != "on" && s != "off" {
		return false, errors.New("on or off")
	}
	return s == "off", nil
}
