// Package doctor checks whether this machine can be a laboratory, and says how to mend what is missing.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/emulated"
	"github.com/tunnelbench/tunnelbench/internal/machine"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/dut"
)

// Finding is the result of one check.
type Finding struct {
	What  string `json:"what"`
	OK    bool   `json:"ok"`
	Vital bool   `json:"vital"` // the lab cannot run without it
	Note  string `json:"note"`  // what was found and, if not OK, how to correct it
}

// The oldest kernel with all features that the XDP tester needs.
const (
	kernelMajor = 5
	kernelMinor = 18
)

// Examine checks the requirements of the lab and changes nothing.
func Examine(ctx context.Context) []Finding {
	findings := []Finding{examineRoot(), examineKernel(), examineCores(), examineEmulator(ctx)}
	findings = append(findings, examinePrograms()...)
	if os.Geteuid() != 0 {
		return findings
	}
	findings = append(append(findings, examineMachine()...), examineNetwork(ctx))
	if other := examineOtherLab(ctx); other.OK {
		findings = append(findings, other, examineTester(ctx))
	} else {
		findings = append(findings, other)
	}
	for _, t := range dut.All() {
		f := Finding{What: "device " + t.Name, OK: true, Note: t.Doc}
		if err := t.Probe(ctx); err != nil {
			f.OK, f.Note = false, err.Error()
		}
		findings = append(findings, f)
	}
	return findings
}

func examineRoot() Finding {
	f := Finding{What: "root", Vital: true, OK: os.Geteuid() == 0, Note: "yes"}
	if !f.OK {
		f.Note = "namespaces, BPF and raw frames need it: run with sudo; what follows without it is only part"
	}
	return f
}

func examineKernel() Finding {
	f := Finding{What: "kernel", Vital: true, Note: lab.FirstLine("/proc/sys/kernel/osrelease")}
	major, minor := kernelVersion(f.Note)
	f.OK = runtime.GOOS == "linux" && (major > kernelMajor || major == kernelMajor && minor >= kernelMinor)
	if !f.OK {
		f.Note += fmt.Sprintf(": the in-kernel tester needs Linux %d.%d or later", kernelMajor, kernelMinor)
	}
	return f
}

func kernelVersion(release string) (major, minor int) {
	first, rest, _ := strings.Cut(release, ".")
	second, _, _ := strings.Cut(rest, ".")
	major, _ = strconv.Atoi(first)
	minor, _ = strconv.Atoi(strings.TrimRight(second, "-+abcdefghijklmnopqrstuvwxyz"))
	return major, minor
}

func examineCores() Finding {
	f := Finding{What: "cores"}
	allowed, err := netns.AllowedCPUs()
	if err != nil {
		f.Note = err.Error()
		return f
	}
	plan, err := netns.PlanCPUs(allowed, netns.Siblings(allowed), netns.CPUOverrides{})
	if err != nil {
		f.Note = err.Error()
		return f
	}
	f.OK, f.Note = len(allowed) > 1, plan.String()
	for _, note := range plan.Notes {
		f.Note += "; " + note
	}
	return f
}

// examineEmulator looks for the parts of the emulated machine, which are optional.
func examineEmulator(ctx context.Context) Finding {
	f := Finding{What: "emulated machine"}
	m, err := emulated.Find(ctx, "")
	if err != nil {
		f.Note = err.Error()
		return f
	}
	f.OK, f.Note = true, fmt.Sprintf("%s with Linux %s: cost and gate --count can run", m.Version, m.Kernel.Release)
	return f
}

// programs of others that the lab can do without.
var programs = []struct{ name, does, distribution string }{
	{"wg", "shows and changes sealed tunnels while they run", "wireguard-tools"},
	{"tshark", "shows captures, with what tunnelbench dissector prints", "tshark"},
	{"promtool", "checks metrics and alert rules", "prometheus"},
}

// examinePrograms looks for programs of others.
func examinePrograms() (findings []Finding) {
	for _, p := range programs {
		f := Finding{What: p.name, Note: p.does + ": apt install " + p.distribution}
		if path, err := exec.LookPath(p.name); err == nil {
			f.OK, f.Note = true, path+": "+p.does
		}
		findings = append(findings, f)
	}
	return findings
}

// examineMachine returns what a lab looks for before it opens.
func examineMachine() (findings []Finding) {
	for _, n := range machine.Needs() {
		f := Finding{What: n.Name, Vital: n.Vital, OK: true}
		var err error
		if f.Note, err = n.Try(); err != nil {
			f.OK, f.Note = false, err.Error()
		}
		findings = append(findings, f)
	}
	return findings
}

// examineOtherLab looks for another lab. While there is one, the tester cannot be tried.
func examineOtherLab(ctx context.Context) Finding {
	f := Finding{What: "no other lab", Vital: true}
	lock, err := netns.Lock(ctx, false)
	if err == nil {
		err = lock.Close()
	}
	if err != nil {
		f.Note = err.Error()
		return f
	}
	f.OK, f.Note = true, "this one may run"
	return f
}

func examineNetwork(ctx context.Context) Finding {
	f := Finding{What: "namespaces and links", Vital: true, OK: true, Note: "can be made; offloads can be switched and read back"}
	n, err := netns.Build(ctx, netns.Dual(netns.Plan{}), netns.Options{})
	if err == nil {
		err = n.Close()
	}
	if err != nil {
		f.OK, f.Note = false, err.Error()+": a container needs CAP_SYS_ADMIN and CAP_NET_ADMIN"
	}
	return f
}

// examineTester sends a few frames over a veth pair.
func examineTester(ctx context.Context) Finding {
	f := Finding{What: "in-kernel tester", Vital: true}
	l, err := lab.Open(ctx, lab.Config{})
	if err != nil {
		f.Note = err.Error()
		return f
	}
	wire, err := dut.Parse("wire")
	if err == nil {
		var b *lab.Setup
		if b, err = l.Setup(ctx, wire, lab.Settings{}, netns.DefaultLANMTU); err == nil {
			err = b.Close()
		}
	}
	if err = errors.Join(err, l.Close()); err != nil {
		f.Note = err.Error()
		return f
	}
	f.OK, f.Note = true, "sends, stamps and counts frames"
	return f
}
