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

// Config sets what a relay does to frames. The zero value forwards every frame unchanged.
type Config struct {
	Rate    Rate          // rate limit of each direction; zero: no limit
	Queue   int           // length of the queue before the rate limiter in frames
	Delay   time.Duration // added to every frame
	Jitter  time.Duration // maximum of a random delay, uniformly distributed; the order does not change
	Spike   Spike         // extra delay of every Nth frame; the order does not change
	Drop    Every         // the frames that are dropped
	Corrupt Every         // the frames whose last byte is inverted
	Dup     Every         // the frames that are sent twice
	Reorder Every         // the frames that are sent after the next frame
	Loss    float64       // probability of a random drop, from 0 to 1
	Outage  Outage
	Cost    time.Duration // CPU time that the relay uses for each frame, by busy-waiting
	Seed    uint64        // seed of the random numbers for Jitter and Loss
	Sleep   bool          // sleep until a frame arrives instead of polling, for a core that others use
}

// Every is a pattern of frames: Every(N) selects each Nth frame, and 0 selects no frame.
type Every uint64

func (e Every) hits(n uint64) bool { return e != 0 && n%uint64(e) == 0 }

// Spike is an extra delay of every Nth frame.
type Spike struct {
	Length time.Duration
	Every  Every
}

// Outage is a time during which the relay drops all frames of both directions. Start counts from
// the first frame of a trial. For traffic without the tester's signature, Start counts from the
// first frame that the relay receives.
type Outage struct{ Start, Length time.Duration }

func (o Outage) holds(elapsed int64) bool {
	return elapsed >= int64(o.Start) && elapsed < int64(o.Start+o.Length)
}

// Default and limits of a Config. MaxDelay makes sure that the frames of a trial return within
// seconds. MinStart gives the lab time to check a new relay with a few frames before the outage.
const (
	DefaultQueue = 1000
	MaxQueue     = 1 << 17
	MaxDelay     = 10 * time.Second
	MaxCost      = 10 * time.Millisecond
	MinStart     = 100 * time.Millisecond
)

// readers holds the function that parses the value of each key.
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

// Keys returns the names of all parameters.
func Keys() []string { return slices.Sorted(maps.Keys(readers)) }

// Parse returns the Config for a map of keys and values. The error is one line.
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

// Split reads a list of the form key=value,key=value into a map for Parse.
func Split(list string) (map[string]string, error) {
	pairs, err := kv.Parse(list, Keys())
	return pairs.Map(), err
}

// Transit returns the shortest and the longest time that a frame takes through the relay if it waits
// behind no other and gets no spike. frame is its length in bytes.
func (c Config) Transit(frame int) (least, most time.Duration) {
	least = c.Delay + c.Cost
	if c.Rate.PerSecond > 0 {
		l := limiter{rate: c.Rate}
		l.occupy(frame)
		least += time.Duration(l.free)
	}
	return least, least + c.Jitter
}

// threshold converts a probability into a 64-bit number. A uniformly distributed random number is
// at most threshold with this probability.
func threshold(share float64) uint64 {
	if share >= 1 {
		return math.MaxUint64
	}
	return uint64(share * (1 << 63) * 2)
}
