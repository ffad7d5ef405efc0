package sys

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// maxCPUs is the number of CPUs in a unix.CPUSet.
const maxCPUs = 1024

// Affinity returns the logical CPUs that this process may use, in ascending order
// (sched_getaffinity(2) of its first thread).
func Affinity() ([]int, error) {
	return affinity(os.Getpid())
}

func affinity(thread int) ([]int, error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(thread, &set); err != nil {
		return nil, fmt.Errorf("sched_getaffinity: %w", err)
	}
	cpus := make([]int, 0, set.Count())
	for cpu := range maxCPUs {
		if set.IsSet(cpu) {
			cpus = append(cpus, cpu)
		}
	}
	return cpus, nil
}

// SetAffinity binds a thread to cpus. Thread 0 is the calling thread, which must be locked.
func SetAffinity(thread int, cpus []int) error {
	var set unix.CPUSet
	for _, cpu := range cpus {
		if cpu < 0 || cpu >= maxCPUs {
			return fmt.Errorf("cpu %d: outside 0-%d", cpu, maxCPUs-1)
		}
		set.Set(cpu)
	}
	if err := unix.SchedSetaffinity(thread, &set); err != nil {
		return fmt.Errorf("bind to cpus %v: %w", cpus, err)
	}
	return nil
}

// Yield lets the scheduler run another thread of this core first (sched_yield(2)).
func Yield() { unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0) }
