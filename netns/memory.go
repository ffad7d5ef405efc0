package netns

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// ResidentMemory returns the resident memory of the command and all its descendants in bytes. It
// does not include pages of files, because other processes may share them.
func (p *Process) ResidentMemory() (int64, error) {
	stats, err := readProcStats()
	if err != nil {
		return 0, fmt.Errorf("%s: memory: %w", p.name, err)
	}
	var sum int64
	for _, s := range family(stats, p.Pid()) {
		if s.pid == p.Pid() {
			continue // the helper, which is not part of the command
		}
		text, err := os.ReadFile("/proc/" + strconv.Itoa(s.pid) + "/status")
		if err != nil {
			continue // the process has ended since readProcStats
		}
		sum += residentOf(string(text))
	}
	return sum, nil
}

// residentOf returns the sum of RssAnon and RssShmem in a /proc/PID/status file in bytes
// (proc_pid_status(5)).
func residentOf(status string) (bytes int64) {
	for line := range strings.Lines(status) {
		name, value, _ := strings.Cut(line, ":")
		if name != "RssAnon" && name != "RssShmem" {
			continue
		}
		kb, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 64)
		if err == nil {
			bytes += kb << 10
		}
	}
	return bytes
}

// Signal sends a signal to the command, but not to its descendants.
func (p *Process) Signal(s os.Signal) error {
	stats, err := readProcStats()
	if err != nil {
		return fmt.Errorf("%s: signal: %w", p.name, err)
	}
	for _, s1 := range stats {
		if s1.parent != p.Pid() {
			continue
		}
		command, err := os.FindProcess(s1.pid)
		if err == nil {
			err = command.Signal(s)
		}
		if err != nil {
			return fmt.Errorf("%s: signal: %w", p.name, err)
		}
		return nil
	}
	return fmt.Errorf("%s: signal: %w", p.name, os.ErrProcessDone)
}
