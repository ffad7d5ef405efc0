package relay

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/kv"
)

// Config is what a relay does to frames; the zero value passes them on.
type Config struct {
	Rate    Rate          // of each direction; zero is unlimited
	Queue   int           // frames that may wait for the rate; more are dropped
	Delay   time.Duration // of every frame
	Jitter  time.Duration // up to so much more, uniform; order is kept
	Spike   Spike         // more for some frames, by pattern; order is kept
	Drop    Every         // effects by pattern
	Corrupt Every
	Dup     Every
	Reorder Every
	Loss    float64 // by chance, as a share in [0,1]
	Outage  Outage
	Cost    time.Duration // busy-waiting, per frame
	Seed    uint64        // of everything that is left to chance
	Sleep   bool          // wait for frames instead of spinning: for use beside others on a core
}

// Every is a pattern: frame number N, and every multiple of it; 0 is none.
type Every uint64

func (e Every) hits(n uint64) bool { return e != 0 && n%uint64(e) == 0 }

// Spike is a delay that some frames have on top.
type Spike struct {
	Length time.Duration
	Every  Every
}

// Outage is a time when nothing passes in either direction, counted from the
// first frame of a trial; of traffic without the tester's signature, from the
// first frame of all.
type Outage struct{ Start, Length time.Duration }

func (o Outage) holds(elapsed int64) bool {
	return elapsed >= int64(o.Start) && elapsed < int64(o.Start+o.Length)
}

// Limits of a Config. A trial's frames have to be back within seconds, and the
// lab must see some through a new relay before the outage.
const (
	DefaultQueue = 1000
	MaxQueue     = 1 << 17
	MaxDelay     = 10 * time.Second
	MaxCost      = 10 * time.Millisecond
	MinStart     = 100 * time.Millisecond
)

// readers read the value of each key.
var readers = map[string]func(c *Config, value string) error{
	"rate":    func(c *Config, v string) (err error) { c.Rate, err = parseRate(v); return },
	"queue":   func(c *Config, v string) (err error) { c.Queue, err = parseQueue(v); return },
	"delay":   func(c *Config, v string) (err error) { c.Delay, err = parseTime(v, MaxDelay); return },
	"jitter":  func(c *Config, v string) (err error) { c.Jitter, err = parseTime(v, MaxDelay); return },
	"spike":   func(c *Config, v string) (err error) { c.Spike, err = parseSpike(v); return },
	"cost":    func(c *Config, v string) (err error) { c.Cost, err = parseTime(v, MaxCost); return },
	"drop":    func(c *Config, v string) (err error) { c.Drop, err = parseEvery(v); return },
	"corrupt": func(c *Config, v string) (err error) { c.Corrupt, err = parseEvery(v); return },
	"dup":     func(c *Config, v string) (err error) { c.Dup, err = parseEvery(v); return },
	"reorder": func(c *Config, v string) (err error) { c.Reorder, err = parseEvery(v); return },
	"loss":    func(c *Config, v string) (err error) { c.Loss, err = parseShare(v); return },
	"outage":  func(c *Config, v string) (err error) { c.Outage, err = parseOutage(v); return },
	"seed":    func(c *Config, v string) (err error) { c.Seed, err = parseSeed(v); return },
	"spin":    func(c *Config, v string) (err error) { c.Sleep, err = parseSpin(v); return },
}

// Keys are the names of all that can be set.
func Keys() []string { return slices.Sorted(maps.Keys(readers)) }

// Parse reads a Config from its keys and values. The error is one line.
func Parse(values map[string]string) (Config, error) {
	var c Config
	for _, key := range slices.Sorted(maps.Keys(values)) {
		read, ok := readers[key]
		if !ok {
			return Config{}, fmt.Errorf("unknown key %q: use %s", key, strings.Join(Keys(), ", "))
		}
		if err := read(&c, values[key]); err != nil {
			return Config{}, fmt.Errorf("%s=%s: %w", key, values[key], err)
		}
	}
	switch {
	case c.Queue != 0 && c.Rate == Rate{}:
		return Config{}, fmt.Errorf("queue=%d: nothing waits without a rate: give rate too", c.Queue)
	case c.Rate != Rate{}:
		c.Queue = cmp.Or(c.Queue, DefaultQueue)
	}
	return c, nil
}

// Split reads key=value,key=value.
func Split(list string) (map[string]string, error) {
	pairs, err := kv.Parse(list, Keys())
	return pairs.Map(), err
}

// threshold is the share of all 64-bit numbers that chance takes for a hit.
func threshold(share float64) uint64 {
	if share >= 1 {
		return math.MaxUint64
	}
	return uint64(share * (1 << 63) * 2)
}
