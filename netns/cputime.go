package netns

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/sys"
)

// procStat holds the CPU times of a process from /proc/PID/stat (proc_pid_stat(5)).
type procStat struct {
	pid, parent int
	user        time.Duration // user time of the process
	reaped      time.Duration // user and system time of ended children
	reapedUser  time.Duration // user time of ended children
}

// clockTick is the unit of times in /proc: 1/USER_HZ. USER_HZ is 100 on all Linux architectures
// that Go supports.
const clockTick = 10 * time.Millisecond

// CPUTime returns the CPU time that the command and all its descendants have used so far, and the
// part in user mode. The total is exact for running processes and has steps of 10 ms for ended
// processes. The user time always has steps of 10 ms. Both include soft interrupts that
// interrupted a process.
func (p *Process) CPUTime() (all, user time.Duration, err error) {
	stats, err := readProcStats()
	if err != nil {
		return 0, 0, fmt.Errorf("%s: cpu time: %w", p.name, err)
	}
	for _, s := range family(stats, p.Pid()) {
		all, user = all+s.reaped, user+s.reapedUser
		own, err := sys.ProcessCPU(s.pid)
		if err != nil {
			continue // the process has just ended; its time is then in the parent's entry
		}
		all, user = all+own, user+s.user
	}
	return all, user, nil
}

// Family returns the process IDs of the helper, the command and all its descendants.
func (p *Process) Family() (pids []int, err error) {
	stats, err := readProcStats()
	if err != nil {
		return nil, fmt.Errorf("%s: descendants: %w", p.name, err)
	}
	for _, s := range family(stats, p.Pid()) {
		pids = append(pids, s.pid)
	}
	return pids, nil
}

func readProcStats() ([]procStat, error) {
	paths, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	var stats []procStat
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			continue // the process has ended since Glob
		}
		s, err := parseProcStat(string(b))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		stats = append(stats, s)
	}
	return stats, nil
}

// parseProcStat parses /proc/PID/stat. It counts the fields from the last parenthesis, because the
// name of a process may contain spaces and parentheses.
func parseProcStat(line string) (procStat, error) {
	const parent, user, childUser, childSystem = 1, 11, 13, 14 // field 0 is the state
	head, rest := line, ""
	if i := strings.LastIndexByte(line, ')'); i >= 0 {
		head, rest = line[:i], line[i+1:]
	}
	fields := strings.Fields(rest)
	number, _, _ := strings.Cut(head, " ")
	pid, err := strconv.Atoi(number)
	if err != nil || len(fields) <= childSystem {
		return procStat{}, fmt.Errorf("not a process status: %q", line)
	}
	var values [4]int64
	for i, at := range []int{parent, user, childUser, childSystem} {
		if values[i], err = strconv.ParseInt(fields[at], 10, 64); err != nil {
			return procStat{}, fmt.Errorf("process status, field %d: %w", at, err)
		}
	}
	return procStat{
		pid: pid, parent: int(values[0]), user: time.Duration(values[1]) * clockTick,
		reaped: time.Duration(values[2]+values[3]) * clockTick, reapedUser: time.Duration(values[2]) * clockTick,
	}, nil
}

// family returns the entries of the process root and of all its descendants.
func family(stats []procStat, root int) []procStat {
	children := map[int][]procStat{}
	var found []procStat
	for _, s := range stats {
		children[s.parent] = append(children[s.parent], s)
		if s.pid == root {
			found = append(found, s)
		}
	}
	for i := 0; i < len(found); i++ {
		found = append(found, children[found[i].pid]...)
	}
	return found
}
