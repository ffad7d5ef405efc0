package machine

import (
	"cmp"
	"fmt"
	"math"
	"path"
	"strconv"
	"strings"
)

// group is the control group of this process (cgroups(7)).
type group struct {
	root  string            // where control groups are mounted
	paths map[string]string // by controller; "" is that of version 2
}

func here() group { return parseGroup("/sys/fs/cgroup", read("/proc/self/cgroup")) }

// parseGroup reads the lines of /proc/PID/cgroup, such as 0::/user.slice and 4:cpu,cpuacct:/docker.
func parseGroup(root, lines string) group {
	g := group{root, map[string]string{}}
	for l := range strings.Lines(lines) {
		parts := strings.SplitN(strings.TrimSpace(l), ":", 3)
		if len(parts) != 3 {
			continue
		}
		for name := range strings.SplitSeq(parts[1], ",") {
			g.paths[name] = parts[2]
		}
	}
	return g
}

// files returns the places of a file in the group and all groups above it. old names the file of
// version 1, in the hierarchy of its controller.
func (g group) files(controller, name, old string) (files []string) {
	add := func(dir, within, name string) {
		for at := path.Clean("/" + within); ; at = path.Dir(at) {
			files = append(files, path.Join(dir, at, name))
			if at == "/" {
				return
			}
		}
	}
	add(g.root, g.paths[""], name)
	if within, ok := g.paths[controller]; ok {
		add(path.Join(g.root, controller), within, old)
	}
	return files
}

// least returns the lowest number in these files, and its file.
func least(files []string) (lowest uint64, file string) {
	lowest = math.MaxUint64
	for _, f := range files {
		if n, err := strconv.ParseUint(line(f), 10, 64); err == nil && n < lowest {
			lowest, file = n, f
		}
	}
	return lowest, file
}

// leastProcesses is the number of processes and threads that a lab may need.
const leastProcesses = 128

// processes checks the limit on processes and threads.
func (g group) processes() (string, error) {
	most, file := least(g.files("pids", "pids.max", "pids.max"))
	switch {
	case file == "":
		return "no limit of a control group", nil
	case most < leastProcesses:
		return "", fmt.Errorf("the control group allows %d, threads included (%s): allow %d, as by --pids-limit or TasksMax=", most, file, leastProcesses)
	}
	return fmt.Sprintf("the control group allows %d", most), nil
}

// leastMemory is the free memory below which a run may end early.
const leastMemory = 512 << 20

// memory checks the free memory of the machine and the limit of the group.
func (g group) memory(meminfo string) (string, error) {
	most, file := least(g.files("memory", "memory.max", "memory.limit_in_bytes"))
	for l := range strings.Lines(meminfo) {
		text, ok := strings.CutPrefix(l, "MemAvailable:")
		kb, err := strconv.ParseUint(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(text), "kB")), 10, 64)
		if ok && err == nil && kb<<10 < most {
			most, file = kb<<10, "/proc/meminfo"
		}
	}
	if most < leastMemory {
		return "", fmt.Errorf("%d MiB (%s), and a run may need %d: allow more, as by --memory or MemoryMax=, or end other programs", most>>20, file, leastMemory>>20)
	}
	return fmt.Sprintf("%d MiB", most>>20), nil
}

// cpuTime checks for a quota of CPU time: when it is used up, the kernel stops all programs of the
// group until its next period (sched-bwc).
func (g group) cpuTime() (string, error) {
	for _, file := range g.files("cpu", "cpu.max", "cpu.cfs_quota_us") {
		fields := strings.Fields(line(file)) // "50000 100000", "max 100000", or of version 1 "50000"
		if len(fields) == 0 {
			continue
		}
		quota, err := strconv.ParseFloat(fields[0], 64)
		if err != nil || quota <= 0 {
			continue
		}
		period := line(path.Join(path.Dir(file), "cpu.cfs_period_us"))
		if len(fields) > 1 {
			period = fields[1]
		}
		length, err := strconv.ParseFloat(cmp.Or(period, "100000"), 64)
		if err != nil || length <= 0 {
			continue
		}
		return "", fmt.Errorf("the control group allows the time of %.3g cores (%s), and stops lab and tunnel when it is used up, which shows as stalls and loss: remove the quota, as of --cpus or CPUQuota=", quota/length, file)
	}
	return "no quota of a control group", nil
}
