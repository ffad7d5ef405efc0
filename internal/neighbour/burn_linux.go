package neighbour

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/reexec"
	"github.com/tunnelbench/tunnelbench/internal/signals"
	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/loadgen/stall"
)

func init() {
	reexec.Register(roleWord, func(args []string) error {
		var t task
		if len(args) != 2 {
			return errors.New("neighbour: the parent's pid or the task is missing")
		}
		if err := json.Unmarshal([]byte(args[1]), &t); err != nil {
			return fmt.Errorf("neighbour: %w", err)
		}
		signals.LeaveToParent()
		return t.run(args[0])
	})
}

// run performs a task until its limit or the parent's end.
func (t task) run(parent string) error {
	runtime.LockOSThread()
	debug.SetGCPercent(-1)
	if err := syscall.Setpriority(syscall.PRIO_PROCESS, 0, 0); err != nil {
		return fmt.Errorf("normal priority: %w", err)
	}
	works := map[string]func(time.Duration) error{}
	for _, name := range t.Works {
		work, err := t.open(name)
		if err != nil {
			return err
		}
		works[name] = work
	}
	if strconv.Itoa(os.Getppid()) != parent { // it ended before prctl(PR_SET_PDEATHSIG) took effect
		return errors.New("the parent has ended")
	}
	if _, err := os.Stdout.WriteString("!"); err != nil { // ready
		return err
	}
	end := time.Now().Add(t.Limit)
	for b := range t.bursts() {
		time.Sleep(min(b.gap, time.Until(end)))
		if time.Now().After(end) {
			return errors.New("its time is up")
		}
		if err := works[b.work](b.length); err != nil {
			return err
		}
	}
	return nil
}

// open prepares a kind of work and returns the function that does it for some CPU time.
func (t task) open(name string) (func(time.Duration) error, error) {
	switch name {
	case arithmetic:
		return burner(multiply), nil
	case memory:
		return burner(newStream().next), nil
	case stalling:
		h, err := stall.Open(t.CPU)
		if err != nil {
			return nil, err
		}
		return h.Hold, nil
	}
	return nil, fmt.Errorf("neighbour: no work %q", name)
}

// mostStretch is how many times its CPU time a burst takes at most where others want the core too.
const mostStretch = 4

// burner returns a function that repeats some 20 us of work until it has taken its CPU time.
func burner(work func()) func(time.Duration) error {
	return func(length time.Duration) error {
		used, start := sys.ThreadCPU(), time.Now()
		for sys.ThreadCPU()-used < length && time.Since(start) < mostStretch*length {
			work()
		}
		return nil
	}
}

// product keeps the compiler from leaving the multiplications out.
var product uint64

// multiply does multiplications of which four do not wait for each other.
func multiply() {
	a, b, c, d := product|1, uint64(3), uint64(5), uint64(7)
	for range 10000 {
		a, b, c, d = a*a+1, b*b+3, c*c+5, d*d+7
	}
	product = a ^ b ^ c ^ d
}

// stream is memory that is written over and over.
type stream struct {
	words []uint64
	at    int
}

const (
	streamWords = 64 << 20 / 8 // 64 MiB: more than most caches hold
	streamStep  = 128 << 10 / 8
	lineWords   = 64 / 8 // a cache line
)

// newStream returns memory that the kernel has already given.
func newStream() *stream {
	s := &stream{words: make([]uint64, streamWords)}
	for range streamWords / streamStep {
		s.next()
	}
	return s
}

// next writes one word in each cache line of the next 128 KiB.
func (s *stream) next() {
	part := s.words[s.at : s.at+streamStep]
	for i := 0; i < len(part); i += lineWords {
		part[i]++
	}
	s.at = (s.at + streamStep) % streamWords
}
