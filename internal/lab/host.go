package lab

import (
	"bufio"
	"os"
	"runtime"
	"strings"

	"github.com/tunnelbench/tunnelbench/internal/cpuname"
	"github.com/tunnelbench/tunnelbench/internal/machine"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

// Describe returns a description of the machine, and of the settings of lab and network.
func (l *Lab) Describe(s Settings) result.Host {
	h := result.Host{
		CPU: cpuname.Here(), Kernel: FirstLine("/proc/sys/kernel/osrelease"), Arch: runtime.GOARCH, Cores: runtime.NumCPU(),
		CPUPlan: l.cpus.String(), Shared: l.Shared(), Virtual: hypervisor(), Changed: l.Changes(), Notes: append([]string{}, l.cpus.Notes...),
		Sysctls: map[string]string{},
		Offloads: map[string]string{
			"lan": "off, and read back: frames stay frames; GRO is on where it only switches NAPI on",
			"wan": "on, as a real NIC has them: super-packets may cross the wan",
		},
	}
	for _, c := range machine.Sysctls {
		h.Sysctls[strings.ReplaceAll(c.Key, "/", ".")] = FirstLine("/proc/sys/" + c.Key)
	}
	if s.PlainWAN || s.WAN != "" {
		h.Offloads["wan"] = "off"
	}
	if s.WAN != "" {
		h.Notes = append(h.Notes, "The wan link is impaired: "+s.WAN+".")
	}
	h.Notes = append(append(append(h.Notes, machine.Notes()...), l.Besides()...),
		"Every core of the device is kept awake by a spinner of the lowest priority, the same for every device; it is also the CPU meter.",
		"A tunnel's own interface has a queue of 2000 packets, the same for every tunnel.")
	if !l.Shared() {
		h.Notes = append(h.Notes, "Soft interrupts of left and right run on the device's cores (RPS); their first part, the receive poll, on the tester's.")
	}
	return h
}

// Doubts says what a reader of a single measurement has to know of the lab: what disturbs it on purpose, and
// that tester and device share a core.
func (l *Lab) Doubts() []string {
	if l.Shared() {
		return append(l.Besides(), result.SharedCores)
	}
	return l.Besides()
}

// Besides says what disturbs the lab on purpose, for the reader of its results; nil if nothing does.
func (l *Lab) Besides() []string {
	if l.cfg.Beside == nil {
		return nil
	}
	return []string{"Measured beside the neighbour, which disturbs on purpose: " + l.cfg.Beside.String() + "."}
}

func FirstLine(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(b), "\n")
	return strings.TrimSpace(line)
}

// hypervisor returns a note that the machine is virtual, with the name of the hypervisor if known.
func hypervisor() string {
	if !strings.Contains(" "+cpuField("flags")+" ", " hypervisor ") {
		return ""
	}
	if vendor := FirstLine("/sys/class/dmi/id/sys_vendor"); vendor != "" {
		return vendor
	}
	return "yes"
}

func cpuField(name string) string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		key, value, ok := strings.Cut(lines.Text(), ":")
		if ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// Machine returns the CPU model and the kernel, for results without measurements on this machine.
func Machine() (cpu, kernel string) {
	return cpuname.Here(), FirstLine("/proc/sys/kernel/osrelease")
}
