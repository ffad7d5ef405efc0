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

// procStat is what a line of /proc/PID/stat says about CPU time (proc(5)).
type procStat struct {
	pid, parent int
	user        time.Duration // its own, in user mode
	reaped      time.Duration // of children that ended and were waited for
	reapedUser  time.Duration // of that, in user mode
}

// clockTick is the unit of times in /proc: USER_HZ, 100 on every architecture of Linux that Go knows.
const clockTick = 10 * time.Millisecond

// CPUTime is the time spent on CPUs by the command and all its descendants up
// to now, and how much of it in user mode, in steps of 10 ms. Of live processes it is the scheduler's exact count, ended threads
// included; of ended ones the sum that their parent inherited, in steps of
// 10 ms. Soft interrupts that hit a process are in it.
func (p *Process) CPUTime() (all, user time.Duration, err error) {
	stats, err := readProcStats()
	if err != nil {
		return 0, 0, fmt.Errorf("%s: cpu time: %w", p.name, err)
	}
	for _, s := range family(stats, p.Pid()) {
		all, user = all+s.reaped, user+s.reapedUser
		own, err := sys.ProcessCPU(s.pid)
		if err != nil {
			continue // it ended since; its parent inherits the time
		}
		all, user = all+own, user+s.user
	}
	return all, user, nil
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
			continue // it ended since the listing
		}
		s, err := parseProcStat(string(b))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		stats = append(stats, s)
	}
	return stats, nil
}

// parseProcStat takes the fields by their place after the name, which may hold
// spaces and parentheses itself.
func parseProcStat(line string) (procStat, error) {
	const parent, user, childUser, childSystem = 1, 11, 13, 14 // counted from the state
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

// family is root and all its descendants.
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
