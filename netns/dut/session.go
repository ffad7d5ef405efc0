package dut

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/tunnelbench/tunnelbench/netns"
)

// Session is a tunnel that is up.
type Session struct {
	processes []*netns.Process
	sides     []string
	spins     bool
}

const stopGrace = 5 * time.Second

// Alive returns nil while every process of the tunnel runs, else which one
// died and its last words.
func (s *Session) Alive() error {
	for i, p := range s.processes {
		select {
		case <-p.Done():
			return fmt.Errorf("the %s side ended: %s", s.sides[i], lastWords(p))
		default:
		}
	}
	return nil
}

// lastWords are why a process ended and the last line it left on stderr.
func lastWords(p *netns.Process) string {
	words := "exit status 0"
	if err := p.Err(); err != nil {
		words = err.Error()
	}
	if last := LastLine(p.Stderr()); last != "" {
		words += ": " + last
	}
	return words
}

// longestLine bounds what a program may add to an error, in runes.
const longestLine = 300

// LastLine is the last line of what somebody's program wrote, fit to stand in
// an error: without what a terminal would obey, and not longer than is read.
func LastLine(output string) string {
	lines := strings.FieldsFunc(output, func(r rune) bool { return r == '\n' || r == '\r' })
	for _, line := range slices.Backward(lines) {
		runes := []rune(strings.TrimSpace(strings.Map(printable, line)))
		if len(runes) > longestLine {
			runes = append(runes[:longestLine-1], '…')
		}
		if len(runes) > 0 {
			return string(runes)
		}
	}
	return ""
}

// FirstLine returns the first line of a program's output, cut to 80 bytes.
func FirstLine(output string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(output), "\n")
	return line[:min(len(line), 80)]
}

// printable puts a space where a terminal would do something.
func printable(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return ' '
}

// CPUTime is what the tunnel's processes have spent so far, and how much of it in user mode, as
// the kernel accounts for it: soft interrupts go to whatever they interrupt.
func (s *Session) CPUTime() (all, user time.Duration) {
	for _, p := range s.processes {
		if a, u, err := p.CPUTime(); err == nil {
			all, user = all+a, user+u
		}
	}
	return all, user
}

// HasProcesses reports whether the tunnel runs in user space.
func (s *Session) HasProcesses() bool { return len(s.processes) > 0 }

// Spins reports whether it keeps a core busy with nothing to do, so that the CPU
// time it spends says nothing.
func (s *Session) Spins() bool { return s.spins }

// Close stops every process with its descendants, the last started first. It returns no error for
// a process that had already ended (Alive reports that) or that had to be killed.
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

// Kill ends every process at once, as a crash would.
func (s *Session) Kill() {
	for _, p := range s.processes {
		p.Kill()
	}
	s.processes = nil
}
