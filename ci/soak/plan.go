//go:build linux

package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/splitmix"
)

// dice are the random choices of a step: a SplitMix64 generator.
type dice uint64

func (d *dice) below(n int) int {
	*d += splitmix.Golden
	return int(splitmix.Mix(uint64(*d)) % uint64(n))
}

// between returns a time from low up to high, in milliseconds.
func (d *dice) between(low, high time.Duration) time.Duration {
	return low + time.Duration(d.below(int((high-low)/time.Millisecond)+1))*time.Millisecond
}

func pick[T any](d *dice, all []T) T { return all[d.below(len(all))] }

// verb is a command of the program under test.
type verb struct {
	name     string
	long     time.Duration                   // about how long it takes when nothing happens
	args     func(device, out string) string // arguments, separated by blanks; out is the folder for results
	local    bool                            // opens no lab: neither devices nor collisions concern it
	inSource bool                            // builds from the source of the module
}

// verbs are short forms of all that measures, attacks or writes.
var verbs = []verb{
	{"trial", 3 * time.Second, func(d, _ string) string { return "trial --dut " + d + " --load 20kpps --duration 700ms --json" }, false, false},
	{"closed", 3 * time.Second, func(d, _ string) string { return "trial --dut " + d + " --window 64 --duration 500ms" }, false, false},
	{"run", 40 * time.Second, func(d, out string) string { return "run --dut " + d + ",plain --sizes 64 --out " + out }, false, false},
	{"suite", 40 * time.Second, func(d, out string) string {
		return "run --dut " + d + " --sizes 64 --profile ci --goal quick --bursts 1 --out " + out
	}, false, false},
	{"ab", 25 * time.Second, func(d, out string) string { return "ab --rounds 10 --time 20s --out " + out + " vxlan " + d }, false, false},
	{"gate", 30 * time.Second, func(_, out string) string {
		return "gate --repo repo --dut exec:tunnel.sh --build true --base HEAD~1 --head HEAD --layouts 1 --time 20s --metrics closed_loop_rate/64 --noise " +
			out + "/noise.json --history " + out + "/history.jsonl --out " + out
	}, false, false},
	{"certify", 20 * time.Second, func(_, out string) string { return "certify --quick --out " + out + "/certificate.json" }, false, false},
	{"fuzz", 12 * time.Second, func(_, out string) string { return "fuzz run --target header --time 3s --testdata=false --out " + out }, true, true},
	{"report", 2 * time.Second, func(_, out string) string { return "report --out " + out + " results.json" }, true, false},
	{"list", time.Second, func(string, string) string { return "list" }, true, false},
	{"doctor", 3 * time.Second, func(string, string) string { return "doctor" }, true, false},
}

// Devices that work, and devices that do not, in the ways of real ones.
var (
	soundDevices = []string{"vxlan", "reference", "naive", "wireguard-go", "exec:vxlan.sh"}
	badDevices   = []string{"exec:dies.sh", "exec:flaps.sh", "exec:lies.sh", "exec:deaf.sh", "exec:ends.sh"}
)

// event is what happens to a step.
type event struct {
	name   string
	number int // which of several, or how much
}

// The names of events. signalled and killed happen at a moment of the step, the others from its begin.
const (
	nothing    = "nothing"
	signalled  = "signal"
	twice      = "signal twice"
	killed     = "kill"
	fullOut    = "full disk"
	fullTemp   = "full temporary folder"
	fullStdout = "full standard output"
	noReader   = "closed standard output"
	collision  = "another lab"
	limited    = "limit"
	clockStep  = "clock steps"
)

var eventNames = []string{nothing, signalled, twice, killed, fullOut, fullTemp, fullStdout, noReader, collision, limited, clockStep}

// limits are options of ulimit in sh(1).
var limits = []string{"-n 16", "-n 48", "-n 200", "-f 0", "-f 64", "-l 0", "-l 1024", "-v 2000000", "-t 2"}

// kilobytes are the sizes of disks that fill.
var kilobytes = []int{4, 16, 64, 256, 1024, 4096}

// started is when a command has surely begun to heed signals.
const started = 300 * time.Millisecond

// step is one command and what happens to it.
type step struct {
	number int
	verb   verb
	device string
	sound  bool // the device works
	event  event
	after  time.Duration // moment of the event
}

// choice is what steps are drawn from.
type choice struct {
	verbs, events []string // names; empty: all
	clocks        bool     // step the clock of the machine too
}

// check returns an error if a name is none of a verb or of an event.
func (c choice) check() error {
	for _, name := range c.verbs {
		if !slices.ContainsFunc(verbs, func(v verb) bool { return v.name == name }) {
			return fmt.Errorf("--verbs %s: there is no such verb", name)
		}
	}
	for _, name := range c.events {
		if !slices.Contains(eventNames, name) {
			return fmt.Errorf("--events %s: use %s", name, strings.Join(eventNames, ", "))
		}
	}
	return nil
}

// plan returns the step of a seed and a number. Nothing happens to a verb to which none of the chosen
// events can happen.
func (c choice) plan(seed uint64, number int) step {
	d := dice(splitmix.Mix(seed) + uint64(number))
	s := step{number: number, verb: pick(&d, among(verbs, c.verbs, func(v verb) string { return v.name }))}
	s.sound = d.below(4) > 0
	s.device = pick(&d, soundDevices)
	if !s.sound {
		s.device = pick(&d, badDevices)
	}
	events := []event{
		{nothing, 0}, {signalled, d.below(len(requests))}, {signalled, d.below(len(requests))}, {twice, d.below(len(requests))},
		{killed, 0}, {killed, 0}, {fullOut, pick(&d, kilobytes)}, {fullTemp, pick(&d, kilobytes)}, {fullStdout, 0}, {noReader, 0},
		{limited, d.below(len(limits))},
	}
	if !s.verb.local {
		events = append(events, event{collision, 0})
	}
	if c.clocks {
		events = append(events, event{clockStep, pick(&d, []int{-3600, -2, 2, 86400})})
	}
	if events = among(events, c.events, func(e event) string { return e.name }); len(events) == 0 {
		events = []event{{nothing, 0}}
	}
	s.event = pick(&d, events)
	s.after = d.between(started, s.verb.long)
	return s
}

// among returns those of all that have one of the names; without names, all.
func among[T any](all []T, names []string, name func(T) string) []T {
	if len(names) == 0 {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), func(x T) bool { return !slices.Contains(names, name(x)) })
}

// String returns the step in a line.
func (s step) String() string {
	what := s.event.name
	switch s.event.name {
	case signalled, twice:
		what += fmt.Sprintf(" %v after %v", requests[s.event.number], s.after)
	case killed, clockStep:
		what += fmt.Sprintf(" after %v", s.after)
	case fullOut, fullTemp:
		what += fmt.Sprintf(" of %d KiB", s.event.number)
	case limited:
		what += " ulimit " + limits[s.event.number]
	}
	if s.verb.local {
		return fmt.Sprintf("step %d: %s: %s", s.number, s.verb.name, what)
	}
	return fmt.Sprintf("step %d: %s of %s: %s", s.number, s.verb.name, s.device, what)
}
