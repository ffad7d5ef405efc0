// Package neighbour is a program that disturbs a lab on purpose: it takes a share of cores in
// bursts, burns memory bandwidth, and holds cores in an interrupt. Its choices follow from a seed,
// so that a lab can be tried beside the same neighbour twice.
package neighbour

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/kv"
	"github.com/tunnelbench/tunnelbench/netns"
)

// name begins every specification.
const name = "neighbour"

// Plan is what the neighbour does.
type Plan struct {
	cpus    []int   // that it takes a share of
	share   float64 // of each of cpus, above 0 and up to 1
	burst   lengths
	memory  int           // the memory burner's core, or one of the constants below
	stall   time.Duration // how long each of cpus is held, about once a second; 0: never
	seed    uint64
	limit   time.Duration // it ends by itself after so long
	allowed []int         // cores that it may use
}

// lengths is the range of a burst's CPU time.
type lengths struct{ Shortest, Longest time.Duration }

// Where memory is burnt when no core is named.
const (
	memoryAuto = -1 // on a sibling of the device's cores, else in every second burst
	memoryOff  = -2
)

// options sets the keys of a specification, in the order of Plan.String.
var options = []struct {
	key string
	set func(p *Plan, value string) error
}{
	{"cpus", (*Plan).setCPUs},
	{"share", (*Plan).setShare},
	{"burst", (*Plan).setBurst},
	{"memory", (*Plan).setMemory},
	{"stall", func(p *Plan, v string) error { return setWithin(&p.stall, v, time.Millisecond, 100*time.Millisecond) }},
	{"seed", (*Plan).setSeed},
	{"for", func(p *Plan, v string) error { return setWithin(&p.limit, v, 10*time.Millisecond, 24*time.Hour) }},
}

// Parse reads "neighbour" or "neighbour:key=value,...". allowed are the cores that this process may
// use; the neighbour takes a share of all of them unless cpus says otherwise. An error is one line.
func Parse(spec string, allowed []int) (*Plan, error) {
	word, list, more := strings.Cut(spec, ":")
	if word != name {
		return nil, fmt.Errorf("%q: write neighbour, or neighbour:share=20%%,burst=2ms-50ms", spec)
	}
	p := &Plan{
		cpus: allowed, share: 0.2, burst: lengths{2 * time.Millisecond, 50 * time.Millisecond},
		memory: memoryAuto, seed: 1, limit: time.Hour, allowed: allowed,
	}
	if !more {
		return p, nil
	}
	pairs, err := kv.Parse(list, keys())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	for _, o := range options {
		if value, ok := pairs.Get(o.key); ok {
			if err := o.set(p, value); err != nil {
				return nil, fmt.Errorf("%s: %s=%w", name, o.key, err)
			}
		}
	}
	return p, nil
}

func keys() (all []string) {
	for _, o := range options {
		all = append(all, o.key)
	}
	return all
}

// String returns the whole specification, defaults included.
func (p *Plan) String() string {
	memory := map[int]string{memoryAuto: "on", memoryOff: "off"}[p.memory]
	if memory == "" {
		memory = strconv.Itoa(p.memory)
	}
	stall := ""
	if p.stall > 0 {
		stall = fmt.Sprintf(",stall=%v", p.stall)
	}
	cpus := strings.ReplaceAll(netns.FormatCPUList(p.cpus), ",", "+")
	return fmt.Sprintf("%s:cpus=%s,share=%s%%,burst=%v-%v,memory=%s%s,seed=%d,for=%v", name, cpus,
		kv.FormatFloat(100*p.share, 3), p.burst.Shortest, p.burst.Longest, memory, stall, p.seed, p.limit)
}

// setCPUs reads a list such as 0-1+4: a comma would begin the next key.
func (p *Plan) setCPUs(s string) (err error) {
	if p.cpus, err = netns.ParseCPUList(strings.ReplaceAll(s, "+", ",")); err != nil {
		return fmt.Errorf("%s: write a core, a range or several such as 0-1+4", s)
	}
	for _, cpu := range p.cpus {
		if err := p.check(cpu); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

// check returns an error if this process may not use a core.
func (p *Plan) check(cpu int) error {
	if !slices.Contains(p.allowed, cpu) {
		return fmt.Errorf("cpu %d is not allowed here: choose from %s", cpu, netns.FormatCPUList(p.allowed))
	}
	return nil
}

func (p *Plan) setShare(s string) error {
	r, ok := kv.ParseRate(s)
	if !ok || r.Unit != kv.Share || r.Value < 0.001 || r.Value > 1 {
		return fmt.Errorf("%s: write a share from 0.1%% to 100%%", s)
	}
	p.share = r.Value
	return nil
}

// setBurst reads a range such as 2ms-50ms, or one length.
func (p *Plan) setBurst(s string) error {
	shortest, longest, isRange := strings.Cut(s, "-")
	if !isRange {
		longest = shortest
	}
	const least, most = 100 * time.Microsecond, time.Second
	if err := setWithin(&p.burst.Shortest, shortest, least, most); err != nil {
		return err
	}
	if err := setWithin(&p.burst.Longest, longest, least, most); err != nil {
		return err
	}
	if p.burst.Shortest > p.burst.Longest {
		return fmt.Errorf("%s: write the shorter length first", s)
	}
	return nil
}

func (p *Plan) setMemory(s string) error {
	switch s {
	case "on":
		p.memory = memoryAuto
	case "off":
		p.memory = memoryOff
	default:
		cpu, err := strconv.ParseUint(s, 10, 16)
		if err != nil {
			return fmt.Errorf("%s: write on, off or a core", s)
		}
		p.memory = int(cpu)
		if err := p.check(p.memory); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

func (p *Plan) setSeed(s string) (err error) {
	if p.seed, err = strconv.ParseUint(s, 10, 64); err != nil {
		return fmt.Errorf("%s: write a whole number", s)
	}
	return nil
}

// setWithin reads a time from least to most.
func setWithin(to *time.Duration, s string, least, most time.Duration) error {
	v, err := time.ParseDuration(s)
	if err != nil || v < least || v > most {
		return fmt.Errorf("%s: write a time from %v to %v", s, least, most)
	}
	*to = v
	return nil
}
