package role

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"

	"github.com/tunnelbench/tunnelbench/internal/atomicfile"
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

// VitalsFile is the file in which a side answers.
func VitalsFile(dir, side string) string { return filepath.Join(dir, "vitals-"+side) }

// startVitals writes the vitals of this process once, and again at each request.
func startVitals(e End) {
	requests := make(chan os.Signal, 1)
	notifyRequests(requests)
	if err := writeVitals(e); err != nil {
		fmt.Fprintf(os.Stderr, "vitals: %v\n", err)
	}
	go serveRequests(e, requests)
}

// serveRequests writes the vitals at each request until the channel is closed.
func serveRequests(e End, requests <-chan os.Signal) {
	for range requests {
		if err := writeVitals(e); err != nil {
			fmt.Fprintf(os.Stderr, "vitals: %v\n", err)
		}
	}
}

func writeVitals(e End) error {
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
	return atomicfile.WriteFile(VitalsFile(e.Dir, e.Side), text, 0o600)
}
