package netns

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// ResidentMemory is what the command and all its descendants have of their own
// in memory, in octets: pages of files, which others may share, left out.
func (p *Process) ResidentMemory() (int64, error) {
	stats, err := readProcStats()
	if err != nil {
		return 0, fmt.Errorf("%s: memory: %w", p.name, err)
	}
	var sum int64
	for _, s := range family(stats, p.Pid()) {
		if s.pid == p.Pid() {
			continue // the helper, which is ours
		}
		text, err := os.ReadFile("/proc/" + strconv.Itoa(s.pid) + "/status")
		if err != nil {
			continue // it ended since the listing
		}
		sum += residentOf(string(text))
	}
	return sum, nil
}

// residentOf adds up the lines of /proc/PID/status (proc(5)) that are no file's, in kB.
func residentOf(status string) (octets int64) {
	for line := range strings.Lines(status) {
		name, value, _ := strings.Cut(line, ":")
		if name != "RssAnon" && name != "RssShmem" {
			continue
		}
		kb, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 64)
		if err == nil {
			octets += kb << 10
		}
	}
	return octets
}

// Signal sends a signal to the command itself.
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
