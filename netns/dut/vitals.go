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
	"github.com/tunnelbench/tunnelbench/reference/stats"
)

// Vitals holds the memory figures and counters that one side of a built-in tunnel reports about
// itself. The lab requests them with SIGUSR1. The tunnel answers with a file in the directory
// that both sides share, so it uses no CPU time between requests. A tunnel that supports requests
// writes the file once before it starts. Without that file the lab sends no signal, because
// SIGUSR1 would end a program that does not handle it.
type Vitals struct {
	Heap     uint64            `json:"heap"`     // bytes of the heap in use after a forced garbage collection
	Mallocs  uint64            `json:"mallocs"`  // objects allocated so far
	Counters map[string]uint64 `json:"counters"` // the tunnel's own packet counters
}

// roleCounters returns the counters of the tunnel in this process. It is nil if the tunnel has
// no counters.
var roleCounters atomic.Pointer[func() map[string]uint64]

// setRoleCounters adds the counters of a tunnel to the vitals of this process.
func setRoleCounters(counters func() map[string]uint64) { roleCounters.Store(&counters) }

// referenceCounters returns a function that reads the packets and drops of both directions.
func referenceCounters(t *reference.Tunnel) func() map[string]uint64 {
	return func() map[string]uint64 {
		counted := t.Stats()
		all := map[string]uint64{"filtered unknown sources": counted.UnknownSource}
		for direction, d := range map[string]stats.Direction{"encap ": counted.Encap, "decap ": counted.Decap} {
			all[direction+"received"], all[direction+"delivered"] = d.Received, d.Delivered
			for reason, n := range d.Drops {
				if n > 0 {
					all[direction+"dropped "+stats.Drop(reason).String()] = n
				}
			}
		}
		return all
	}
}

func vitalsFile(dir, side string) string { return filepath.Join(dir, "vitals-"+side) }

// startVitals writes the vitals of this process once, and again at each request.
func startVitals(e end) {
	requests := make(chan os.Signal, 1)
	notifyRequests(requests)
	if err := writeVitals(e); err != nil {
		fmt.Fprintf(os.Stderr, "vitals: %v\n", err)
	}
	go serveRequests(e, requests)
}

// serveRequests writes the vitals at each request until the channel is closed.
func serveRequests(e end, requests <-chan os.Signal) {
	for range requests {
		if err := writeVitals(e); err != nil {
			fmt.Fprintf(os.Stderr, "vitals: %v\n", err)
		}
	}
}

func writeVitals(e end) error {
	runtime.GC()
	runtime.GC() // the second collection frees objects that finalizers and pools kept alive
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	v := Vitals{Heap: m.HeapAlloc, Mallocs: m.Mallocs}
	if counters := roleCounters.Load(); counters != nil {
		v.Counters = (*counters)()
	}
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(vitalsFile(e.dir, e.side), text, 0o600)
}

// vitalsLimit is the time that a side may take to answer a request. The garbage collector has to
// wait for threads in system calls, on cores that are busy with other work.
const vitalsLimit = 20 * time.Second

// ReportsVitals reports whether every side answers requests for vitals. SIGUSR1 would end a
// program that does not.
func (s *Session) ReportsVitals(dir string) bool {
	for i := range s.processes {
		if _, err := os.Stat(vitalsFile(dir, s.sides[i])); err != nil {
			return false
		}
	}
	return len(s.processes) > 0
}

// Vitals requests the vitals of every side. The keys of the map are the sides. Call it only if
// ReportsVitals returns true. The error wraps os.ErrDeadlineExceeded if a side did not answer in
// time.
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

// ResidentMemory returns the resident memory of the tunnel's processes in bytes, without memory
// that is backed by files.
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

// UntilEnd returns a context that is done when ctx is done or when a process of the tunnel ends.
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
