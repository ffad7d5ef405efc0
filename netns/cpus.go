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

// CPUPlan says which logical CPUs belong to the tester and which to the DUT.
type CPUPlan struct {
	Tester []int
	DUT    []int
	Notes  []string // what the plan costs, for the report
}

// CPUOverrides are the user's own choice; nil leaves it to the plan.
type CPUOverrides struct {
	Tester, DUT []int
}

// maxDUTCPUs bounds the DUT's share of a large machine: every one of them has
// a spinner that keeps it awake, and no tunnel here uses more.
const maxDUTCPUs = 8

// String prints the plan as "tester 0, dut 1-3".
func (p CPUPlan) String() string {
	return "tester " + FormatCPUList(p.Tester) + ", dut " + FormatCPUList(p.DUT)
}

// PlanCPUs gives the tester the first allowed core with all its SMT siblings,
// so that nothing shares its execution units, and the DUT the cores after it.
// siblings maps a CPU to all CPUs of its core; a CPU that is not in it is a
// core by itself.
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

// groupCores sorts the allowed CPUs into cores, both in rising order.
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

// defaultTester is the first core; of the only core its first CPU.
func defaultTester(cores [][]int) []int {
	if len(cores) == 1 {
		return cores[0][:1]
	}
	return cores[0]
}

// testerBeside is the first core without a CPU of the DUT, or failing that the
// first CPU that the DUT leaves.
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

// firstOthers returns the CPUs for the DUT: whole cores without a CPU of taken. If there are none,
// it returns the siblings of taken.
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
			": what the tester uses the DUT lacks, so that rates are too low and loss begins too early"}
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

// AllowedCPUs are the CPUs that this process may use.
func AllowedCPUs() ([]int, error) { return sys.Affinity() }

// Siblings reads which CPUs share a core with each of cpus. Where the kernel
// does not say, a CPU is left out.
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

// maxCPU is the highest number that the kernel's default CPU sets hold.
const maxCPU = 1023

// ParseCPUList reads a list as the kernel writes it: 0-3,8. The result is in
// order and names no CPU twice.
func ParseCPUList(s string) ([]int, error) {
	var named [maxCPU + 1]bool // ranges may overlap: memory is that of the CPUs there can be
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

// FormatCPUList writes cpus as ParseCPUList reads them.
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
