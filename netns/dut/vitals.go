package dut

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/dut/role"
)

// Vitals holds the memory figures and counters that one side of a built-in tunnel reports.
type Vitals = role.Vitals

// vitalsLimit is the time that a side may take to answer a request. The garbage collector has to
// wait for threads in system calls, on cores that are busy with other work.
const vitalsLimit = 60 * time.Second

// ReportsVitals reports whether every side answers requests for vitals. SIGUSR1 would end a
// program that does not.
func (s *Session) ReportsVitals(dir string) bool {
	for i := range s.processes {
		if _, err := os.Stat(role.VitalsFile(dir, s.sides[i])); err != nil {
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
		err := os.Remove(role.VitalsFile(dir, s.sides[i]))
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		if err == nil {
			err = p.Signal(role.VitalsSignal)
		}
		if err != nil {
			return nil, fmt.Errorf("vitals of the %s side: %w", s.sides[i], err)
		}
	}
	all := map[string]Vitals{}
	for i, p := range s.processes {
		v, err := awaitVitals(p, role.VitalsFile(dir, s.sides[i]))
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
