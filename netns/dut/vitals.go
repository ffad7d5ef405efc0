package dut

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/atomicfile"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/reference"
)

// Vitals are what one side of a built-in tunnel tells of itself when it is asked.
// The request is a signal (SIGUSR1), the answer a file in the directory that
// both sides share: nothing wakes while nobody asks. A first answer is there before
// the tunnel is: other programs, and builds from before this, have none and are not to be asked.
type Vitals struct {
	Heap     uint64            `json:"heap"`     // octets that live after a forced collection
	Mallocs  uint64            `json:"mallocs"`  // objects allocated so far
	Counters map[string]uint64 `json:"counters"` // what the tunnel itself counted
}

// counting is how the role in this process counts; nil: it does not.
var counting atomic.Pointer[func() map[string]uint64]

// count makes the vitals report the counters of a role.
func count(counters func() map[string]uint64) { counting.Store(&counters) }

// referenceCounters are the datagrams and drops of the way in and out.
func referenceCounters(t *reference.Tunnel) func() map[string]uint64 {
	return func() map[string]uint64 {
		stats := t.Stats()
		all := map[string]uint64{"filtered unknown sources": stats.UnknownSource}
		for way, d := range map[string]reference.Direction{"encap ": stats.Encap, "decap ": stats.Decap} {
			all[way+"received"], all[way+"delivered"] = d.Received, d.Delivered
			for reason, n := range d.Drops {
				if n > 0 {
					all[way+"dropped "+reference.Drop(reason).String()] = n
				}
			}
		}
		return all
	}
}

func vitalsFile(dir, side string) string { return filepath.Join(dir, "vitals-"+side) }

// answerRequests writes the vitals of the process now, and again at each request.
func answerRequests(e end) {
	requests := make(chan os.Signal, 1)
	hearRequests(requests)
	if err := tellVitals(e); err != nil {
		fmt.Fprintf(os.Stderr, "vitals: %v\n", err)
	}
	go routineVitals(e, requests)
}

// routineVitals answers requests until there are no more.
func routineVitals(e end, requests <-chan os.Signal) {
	for range requests {
		if err := tellVitals(e); err != nil {
			fmt.Fprintf(os.Stderr, "vitals: %v\n", err)
		}
	}
}

func tellVitals(e end) error {
	runtime.GC()
	runtime.GC() // what a finalizer or a pool held on to is gone now
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	v := Vitals{Heap: m.HeapAlloc, Mallocs: m.Mallocs}
	if counters := counting.Load(); counters != nil {
		v.Counters = (*counters)()
	}
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(vitalsFile(e.dir, e.side), text, 0o600)
}

// vitalsLimit is how long an answer may take: a collection has to interrupt what
// waits in the kernel, on cores that have other work.
const vitalsLimit = 20 * time.Second

// TellsVitals reports whether every side answers: to other programs the signal would be the end.
func (s *Session) TellsVitals(dir string) bool {
	for i := range s.processes {
		if _, err := os.Stat(vitalsFile(dir, s.sides[i])); err != nil {
			return false
		}
	}
	return len(s.processes) > 0
}

// Vitals asks every side of a tunnel that TellsVitals, by side. An error that wraps
// os.ErrDeadlineExceeded means that a side did not answer in time.
func (s *Session) Vitals(dir string) (map[string]Vitals, error) {
	for i, p := range s.processes {
		err := os.Remove(vitalsFile(dir, s.sides[i]))
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		if err == nil {
			err = p.Signal(vitalsSignal)
		}
		if err != nil {
			return nil, fmt.Errorf("vitals of the %s side: %w", s.sides[i], err)
		}
	}
	all := map[string]Vitals{}
	for i, p := range s.processes {
		v, err := awaitVitals(p, vitalsFile(dir, s.sides[i]))
		if err != nil {
			return nil, fmt.Errorf("vitals of the %s side: %w", s.sides[i], err)
		}
		all[s.sides[i]] = v
	}
	return all, nil
}

func awaitVitals(p *netns.Process, path string) (v Vitals, err error) {
	for deadline := time.Now().Add(vitalsLimit); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		text, err := os.ReadFile(path)
		if err == nil {
			return v, json.Unmarshal(text, &v)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return v, err
		}
		if p.Err() != nil {
			return v, p.Err()
		}
	}
	return v, fmt.Errorf("no answer within %v: %w", vitalsLimit, os.ErrDeadlineExceeded)
}

// ResidentMemory is what the tunnel's processes have in memory, in octets.
func (s *Session) ResidentMemory() (sum int64, err error) {
	for _, p := range s.processes {
		n, err := p.ResidentMemory()
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// UntilEnd is done when ctx is, or as soon as a process of the tunnel ends.
func (s *Session) UntilEnd(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	for _, p := range s.processes {
		go func() {
			select {
			case <-p.Done():
				cancel()
			case <-ctx.Done():
			}
		}()
	}
	return ctx, cancel
}
