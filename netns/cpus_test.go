package netns

import (
	"slices"
	"strings"
	"testing"
)

// smt returns the siblings of a machine whose cores have two CPUs each. As on most machines, core
// n has the CPUs n and n+cores.
func smt(cores int) map[int][]int {
	siblings := map[int][]int{}
	for cpu := range cores {
		siblings[cpu] = []int{cpu, cpu + cores}
		siblings[cpu+cores] = []int{cpu, cpu + cores}
	}
	return siblings
}

func upTo(n int) []int {
	cpus := make([]int, n)
	for i := range cpus {
		cpus[i] = i
	}
	return cpus
}

func TestPlanCPUs(t *testing.T) {
	for _, c := range []struct {
		name     string
		allowed  []int
		siblings map[int][]int
		o        CPUOverrides
		want     string
		note     string
	}{
		{"one", []int{3}, nil, CPUOverrides{}, "tester 3, dut 3", "share CPUs 3"},
		{"two", upTo(2), nil, CPUOverrides{}, "tester 0, dut 1", "may be SMT siblings"},
		{"two siblings", upTo(2), smt(1), CPUOverrides{}, "tester 0, dut 1", "share the core of CPUs 0-1"},
		{"four", upTo(4), nil, CPUOverrides{}, "tester 0, dut 1-3", ""},
		{"four in two cores", upTo(4), smt(2), CPUOverrides{}, "tester 0,2, dut 1,3", ""},
		{"sibling not allowed", []int{0, 1, 3}, smt(2), CPUOverrides{}, "tester 0, dut 1,3", ""},
		{"not from zero, not in order", []int{9, 5, 7, 5}, nil, CPUOverrides{}, "tester 5, dut 7,9", ""},
		{"large", upTo(64), smt(32), CPUOverrides{}, "tester 0,32, dut 1-4,33-36", ""},
		{"wide cores", upTo(32), map[int][]int{0: upTo(16)}, CPUOverrides{}, "tester 0-15, dut 16-23", ""},
		{"tester chosen", upTo(4), nil, CPUOverrides{Tester: []int{2}}, "tester 2, dut 0-1,3", ""},
		{"tester chosen, half a core", upTo(4), smt(2), CPUOverrides{Tester: []int{0}}, "tester 0, dut 1,3", ""},
		{"dut chosen", upTo(4), nil, CPUOverrides{DUT: []int{0, 1}}, "tester 2, dut 0-1", ""},
		{"dut has a CPU of each core", upTo(4), smt(2), CPUOverrides{DUT: []int{0, 1}}, "tester 2, dut 0-1", "SMT siblings"},
		{"dut takes all", upTo(2), nil, CPUOverrides{DUT: []int{0, 1}}, "tester 0, dut 0-1", "share CPUs"},
		{"both chosen", upTo(4), smt(2), CPUOverrides{Tester: []int{0}, DUT: []int{2}}, "tester 0, dut 2", "SMT siblings"},
	} {
		plan, err := PlanCPUs(c.allowed, c.siblings, c.o)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		slices.Sort(plan.DUT)
		if plan.String() != c.want {
			t.Errorf("%s: %s, want %s", c.name, plan, c.want)
		}
		if notes := strings.Join(plan.Notes, "; "); !strings.Contains(notes, c.note) || (c.note == "") != (notes == "") {
			t.Errorf("%s: notes %q, want %q", c.name, notes, c.note)
		}
	}
	if _, err := PlanCPUs(nil, nil, CPUOverrides{}); err == nil {
		t.Error("no CPU: no error")
	}
	_, err := PlanCPUs(upTo(2), nil, CPUOverrides{DUT: []int{4}})
	if err == nil || !strings.Contains(err.Error(), "cpu 4 is not allowed here: choose from 0-1") {
		t.Errorf("foreign CPU: %v", err)
	}
}

func TestParseCPUList(t *testing.T) {
	for text, want := range map[string][]int{
		"0": {0}, "0-3": {0, 1, 2, 3}, "8,0-1": {0, 1, 8}, " 1 , 2 ": {1, 2}, "3,3,2-3": {2, 3}, "1023": {1023},
	} {
		got, err := ParseCPUList(text)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v, %v, want %v", text, got, err, want)
		}
		if back, err := ParseCPUList(FormatCPUList(got)); err != nil || !slices.Equal(back, got) {
			t.Errorf("%q: reads back as %v, %v", FormatCPUList(got), back, err)
		}
	}
	for _, text := range []string{"", ",", "a", "-1", "3-1", "1-", "0-99999999", "1.5", "1024"} {
		if got, err := ParseCPUList(text); err == nil || !strings.Contains(err.Error(), "write 0-3,8") {
			t.Errorf("%q: %v, %v, want an error that shows the form", text, got, err)
		}
	}
}

func TestCPUMask(t *testing.T) {
	for want, cpus := range map[string][]int{
		"00000000":                   nil,
		"00000006":                   {1, 2},
		"80000000":                   {31},
		"00000002,00000001":          {0, 33},
		"00000001,00000000,00000000": {64},
	} {
		if got := cpuMask(cpus); got != want {
			t.Errorf("%v: %s, want %s", cpus, got, want)
		}
	}
}
