package netns

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/tunnelbench/tunnelbench/internal/sys"
)

// CPUPlan says which logical CPUs the tester uses and which the DUT uses.
type CPUPlan struct {
	Tester []int
	DUT    []int
	Notes  []string // disadvantages of the plan, for the report
}

// CPUOverrides holds the CPUs that the user has chosen. nil means that PlanCPUs chooses.
type CPUOverrides struct {
	Tester, DUT []int
}

// maxDUTCPUs is the maximum number of CPUs that PlanCPUs gives to the DUT. Every CPU of the DUT
// runs a program that keeps the CPU awake, and no tunnel of this project uses more CPUs.
const maxDUTCPUs = 8

// String prints the plan as "tester 0, dut 1-3".
func (p CPUPlan) String() string {
	return "tester " + FormatCPUList(p.Tester) + ", dut " + FormatCPUList(p.DUT)
}

// PlanCPUs divides the allowed CPUs between tester and DUT. The tester gets the first core with all
// its SMT siblings, so that no other program uses the execution units of this core. The DUT gets
// the next cores. siblings maps a CPU to all CPUs of its core. A CPU that is missing in siblings
// has no SMT siblings.
func PlanCPUs(allowed []int, siblings map[int][]int, o CPUOverrides) (CPUPlan, error) {
	if len(allowed) == 0 {
		return CPUPlan{}, errors.New("cpu plan: no CPU allowed")
	}
	for _, cpu := range slices.Concat(o.Tester, o.DUT) {
		if !slices.Contains(allowed, cpu) {
			return CPUPlan{}, fmt.Errorf("cpu plan: cpu %d is not allowed here: choose from %s", cpu, FormatCPUList(allowed))
		}
	}
	cores := groupCores(allowed, siblings)
	plan := CPUPlan{Tester: o.Tester, DUT: o.DUT}
	switch {
	case o.Tester != nil && o.DUT != nil:
	case o.Tester != nil:
		plan.DUT = firstOthers(cores, o.Tester)
	case o.DUT != nil:
		plan.Tester = testerBeside(cores, o.DUT)
	default:
		plan.Tester = defaultTester(cores)
		plan.DUT = firstOthers(cores, plan.Tester)
	}
	if len(plan.Tester) == 0 {
		plan.Tester = allowed[:1]
	}
	if len(plan.DUT) == 0 {
		plan.DUT = plan.Tester
	}
	plan.Notes = planNotes(plan, cores, len(allowed))
	return plan, nil
}

// groupCores groups the allowed CPUs by core. The cores and the CPUs of each core are in ascending
// order.
func groupCores(allowed []int, siblings map[int][]int) [][]int {
	allowed = slices.Compact(slices.Sorted(slices.Values(allowed)))
	var cores [][]int
	seen := map[int]bool{}
	for _, cpu := range allowed {
		if seen[cpu] {
			continue
		}
		core := []int{cpu}
		for _, other := range slices.Sorted(slices.Values(siblings[cpu])) {
			if other != cpu && !seen[other] && slices.Contains(allowed, other) {
				core = append(core, other)
			}
		}
		for _, member := range core {
			seen[member] = true
		}
		cores = append(cores, core)
	}
	return cores
}

// defaultTester returns the CPUs of the first core. If there is only one core, defaultTester
// returns only the first CPU, and the DUT gets the others.
func defaultTester(cores [][]int) []int {
	if len(cores) == 1 {
		return cores[0][:1]
	}
	return cores[0]
}

// testerBeside returns the first core without a CPU of the DUT. If there is no such core, it
// returns the first CPU that the DUT does not use.
func testerBeside(cores [][]int, dut []int) []int {
	for _, core := range cores {
		if !overlap(core, dut) {
			return core
		}
	}
	for _, cpu := range slices.Concat(cores...) {
		if !slices.Contains(dut, cpu) {
			return []int{cpu}
		}
	}
	return dut[:1]
}

// firstOthers returns the CPUs for the DUT: the first cores that have no CPU in taken. If there is
// no such core, it returns the CPUs that share a core with taken.
func firstOthers(cores [][]int, taken []int) []int {
	var free, rest []int
	for _, core := range cores {
		if !overlap(core, taken) {
			if len(free)+len(core) <= maxDUTCPUs || len(free) == 0 {
				free = append(free, core...)
			}
			continue
		}
		for _, cpu := range core {
			if !slices.Contains(taken, cpu) {
				rest = append(rest, cpu)
			}
		}
	}
	if len(free) > 0 {
		return free
	}
	return rest
}

func overlap(a, b []int) bool {
	return slices.ContainsFunc(a, func(cpu int) bool { return slices.Contains(b, cpu) })
}

func planNotes(p CPUPlan, cores [][]int, allowed int) []string {
	if overlap(p.Tester, p.DUT) {
		return []string{"tester and DUT share CPUs " + FormatCPUList(p.Tester) +
			": on cores of its own the DUT would forward at least the rates measured; delays include the tester's share of the cores"}
	}
	for _, core := range cores {
		if overlap(core, p.Tester) && overlap(core, p.DUT) {
			return []string{"tester and DUT share the core of CPUs " + FormatCPUList(core) + " as SMT siblings: they slow each other down"}
		}
	}
	if allowed == 2 {
		return []string{"with 2 CPUs tester and DUT may be SMT siblings even where the machine does not say so"}
	}
	return nil
}

// AllowedCPUs returns the CPUs that this process may use (sched_getaffinity(2)).
func AllowedCPUs() ([]int, error) { return sys.Affinity() }

// Siblings returns the CPUs that share a core with each of cpus. It leaves out a CPU for which the
// kernel has no topology information.
func Siblings(cpus []int) map[int][]int {
	siblings := map[int][]int{}
	for _, cpu := range cpus {
		b, err := os.ReadFile(fmt.Sprintf("/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu))
		if err != nil {
			continue
		}
		if list, err := ParseCPUList(strings.TrimSpace(string(b))); err == nil {
			siblings[cpu] = list
		}
	}
	return siblings
}

// maxCPU is the highest CPU number that ParseCPUList accepts: CPU_SETSIZE - 1 (CPU_SET(3)).
const maxCPU = 1023

// ParseCPUList reads a list of CPUs in the kernel's format, such as 0-3,8. The result is in
// ascending order without duplicates.
func ParseCPUList(s string) ([]int, error) {
	var named [maxCPU + 1]bool // a set of fixed size, because ranges may overlap and repeat
	for part := range strings.SplitSeq(s, ",") {
		first, last, isRange := strings.Cut(strings.TrimSpace(part), "-")
		if !isRange {
			last = first
		}
		from, err1 := strconv.ParseUint(first, 10, 31)
		to, err2 := strconv.ParseUint(last, 10, 31)
		if err1 != nil || err2 != nil || from > to || to > maxCPU {
			return nil, fmt.Errorf("cpu list %q: %q is not a CPU or a range up to %d: write 0-3,8", s, part, maxCPU)
		}
		for cpu := from; cpu <= to; cpu++ {
			named[cpu] = true
		}
	}
	var cpus []int
	for cpu, is := range named {
		if is {
			cpus = append(cpus, cpu)
		}
	}
	return cpus, nil
}

// FormatCPUList returns a list of CPUs in the format that ParseCPUList reads.
func FormatCPUList(cpus []int) string {
	var parts []string
	for i := 0; i < len(cpus); {
		last := i
		for last+1 < len(cpus) && cpus[last+1] == cpus[last]+1 {
			last++
		}
		part := strconv.Itoa(cpus[i])
		if last > i {
			part += "-" + strconv.Itoa(cpus[last])
		}
		parts = append(parts, part)
		i = last + 1
	}
	return strings.Join(parts, ",")
}
