package dut

import (
	"fmt"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/oneline"
	"github.com/tunnelbench/tunnelbench/netns"
)

// Session is a running tunnel.
type Session struct {
	processes []*netns.Process
	sides     []string // the side of each process
	spins     bool     // see Spins
	env       Env
	ends      [2]end
}

const stopGrace = 5 * time.Second

// Alive returns nil while every process of the tunnel runs. Otherwise the error names the side
// whose process ended, its exit status and its last line on stderr.
func (s *Session) Alive() error {
	for i, p := range s.processes {
		select {
		case <-p.Done():
			return fmt.Errorf("the %s side ended: %s", s.sides[i], exitReason(p))
		default:
		}
	}
	return nil
}

// exitReason returns the exit status of an ended process and its last line on stderr.
func exitReason(p *netns.Process) string {
	reason := "exit status 0"
	if err := p.Err(); err != nil {
		reason = oneline.Last(err.Error()) // one line, of a length that results may have
	}
	if last := oneline.Last(p.Stderr()); last != "" {
		reason += ": " + last
	}
	return reason
}

// CPUTime returns the CPU time that the tunnel's processes have used so far, and the part in user
// mode. The kernel charges the time of a soft interrupt to the process that it interrupts.
func (s *Session) CPUTime() (all, user time.Duration) {
	for _, p := range s.processes {
		if a, u, err := p.CPUTime(); err == nil {
			all, user = all+a, user+u
		}
	}
	return all, user
}

// PIDs returns the processes of one side with all their descendants.
func (s *Session) PIDs(side string) (pids []int, err error) {
	for i, p := range s.processes {
		if s.sides[i] != side {
			continue
		}
		family, err := p.Family()
		if err != nil {
			return nil, err
		}
		pids = append(pids, family...)
	}
	return pids, nil
}

// HasProcesses reports whether the tunnel runs in user space.
func (s *Session) HasProcesses() bool { return len(s.processes) > 0 }

// Spins reports whether the tunnel polls without sleeping. Such a tunnel always uses a whole
// core, so its CPU time does not depend on the load.
func (s *Session) Spins() bool { return s.spins }

// Close stops every process and its descendants, in reverse order of their start. It returns no
// error for a process that had already ended or that had to be killed. Alive reports processes
// that have ended.
func (s *Session) Close() error {
	for _, p := range slices.Backward(s.processes) {
		select {
		case <-p.Done():
		default:
			_, _ = p.Stop(stopGrace)
		}
	}
	s.processes = nil
	return nil
}

// Kill ends every process immediately, like a crash.
func (s *Session) Kill() {
	for _, p := range s.processes {
		p.Kill()
	}
	s.processes = nil
}
