package stacks

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// Rate is how often each core is looked at, in Hz. It is a prime, so that it does not follow what happens every millisecond.
const Rate = 997

// Profile is what some cores did. Samples are counted, Rate of them make a second of one core.
type Profile struct {
	Counts  map[string]int // by stack: task and functions from the outermost to the innermost, between semicolons
	Samples int            // all; those that Counts does not have were idle
	Lost    int            // for which there was no room
}

// Idle returns how many samples belong neither to the device nor to the kernel.
func (p Profile) Idle() int {
	n := p.Samples
	for _, count := range p.Counts {
		n -= count
	}
	return n
}

// Summary says in one line what there is, and what is missing.
func (p Profile) Summary() string {
	text := fmt.Sprintf("%d samples at %d Hz, of which %d were idle and are left out", p.Samples, Rate, p.Idle())
	if p.Lost > 0 {
		text += fmt.Sprintf("; there was no room for %d more", p.Lost)
	}
	return text
}

// Write writes the stacks in order of their names, one a line, each with its count.
func (p Profile) Write(w io.Writer) error {
	for _, stack := range slices.Sorted(maps.Keys(p.Counts)) {
		if _, err := fmt.Fprintf(w, "%s %d\n", stack, p.Counts[stack]); err != nil {
			return err
		}
	}
	return nil
}

// task is a thread as a profile knows it.
type task struct {
	name string // of its process; empty: it is nothing to the device
	user bool   // its own functions count, not only the kernel's
}

// names tells what addresses and threads are.
type names struct {
	kernel func(address uint64) string
	user   func(pid int, address uint64) string
	task   func(pid, tid int) task
}

// add counts a sample.
func (p *Profile) add(s sample, n names) {
	p.Samples++
	kernel := outermostFirst(s.kernel, func(i int, a uint64) string { return n.kernel(called(i, true, a)) + "_[k]" })
	t := n.task(s.pid, s.tid)
	frames := []string{t.name}
	switch {
	case t.user:
		inner := len(s.kernel) == 0
		frames = append(frames, outermostFirst(s.user, func(i int, a uint64) string { return n.user(s.pid, called(i, inner, a)) })...)
	case t.name == "":
		frames[0] = "softirq"
		kernel = interrupting(kernel)
	}
	frames = append(frames, kernel...)
	if len(frames) == 1 {
		return
	}
	for i := range frames {
		frames[i] = clean(frames[i])
	}
	p.Counts[strings.Join(frames, ";")]++
}

// called returns an address inside the call of a frame: all but the innermost one are addresses that calls return to,
// which may be behind the end of their function.
func called(i int, inner bool, address uint64) uint64 {
	if i == 0 && inner {
		return address
	}
	return address - 1
}

// interrupting returns the part of a kernel stack that is a soft interrupt, whoever was interrupted.
func interrupting(kernel []string) []string {
	i := slices.IndexFunc(kernel, func(name string) bool {
		return name == "handle_softirqs_[k]" || name == "__do_softirq_[k]" // since Linux 6.10, before
	})
	if i < 0 {
		return nil
	}
	return kernel[i:]
}

func outermostFirst(addresses []uint64, name func(i int, address uint64) string) []string {
	out := make([]string, len(addresses))
	for i, a := range addresses {
		out[len(out)-1-i] = name(i, a)
	}
	return out
}

// clean returns a name that a line can have: Go's type parameters have semicolons, and a process may call itself anything.
func clean(name string) string {
	return cmp.Or(strings.Map(func(r rune) rune {
		switch {
		case r == ';':
			return ':'
		case !unicode.IsPrint(r):
			return '?'
		}
		return r
	}, name), "?")
}
