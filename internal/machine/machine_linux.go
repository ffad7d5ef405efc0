package machine

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"

	"github.com/tunnelbench/tunnelbench/internal/reexec"
	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/internal/tempdir"
)

// Needs returns what a lab needs, in the order in which it is missed.
func Needs() []Need {
	return []Need{
		{"capabilities", true, func() (string, error) { return capabilities(read("/proc/self/status")) }},
		{"mounts", true, tryMounts},
		{"settings", true, func() (string, error) { return settings("/proc/sys") }},
		{"clock", true, func() (string, error) { return clock(read("/proc/self/timens_offsets")) }},
		{"open files", true, tryFiles},
		{"address space", true, trySpace},
		{"temporary files", true, func() (string, error) { return os.TempDir(), tempdir.Check() }},
		{"processes", true, func() (string, error) { return here().processes() }},
		{"BPF", false, tryBPF},
		{"memory", false, func() (string, error) { return here().memory(read("/proc/meminfo")) }},
		{"CPU time", false, func() (string, error) { return here().cpuTime() }},
		{"isolated cores", false, func() (string, error) { return isolated(line("/sys/devices/system/cpu/isolated")) }},
	}
}

// read returns a small file; empty if it cannot be read.
func read(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return string(b)
}

func line(path string) string { return strings.TrimSpace(read(path)) }

// needed are the bits of the capabilities that a lab uses (linux/capability.h).
var needed = []struct {
	bit  uint
	name string
}{{21, "SYS_ADMIN"}, {12, "NET_ADMIN"}, {13, "NET_RAW"}, {23, "SYS_NICE"}}

// capabilities checks the effective capabilities in a /proc/PID/status file.
func capabilities(status string) (string, error) {
	for l := range strings.Lines(status) {
		hex, ok := strings.CutPrefix(l, "CapEff:")
		if !ok {
			continue
		}
		set, err := strconv.ParseUint(strings.TrimSpace(hex), 16, 64)
		if err != nil {
			break
		}
		for _, n := range needed {
			if set>>n.bit&1 == 0 {
				return "", fmt.Errorf("this root lacks CAP_%s: start the container with --privileged or --cap-add %s", n.name, n.name)
			}
		}
		return "all that a lab uses", nil
	}
	return "", errors.New("/proc/self/status cannot be read: mount -t proc proc /proc")
}

// mountWord is the first argument of this program when it tries to mount.
const mountWord = "__try-mounts"

func init() { reexec.Register(mountWord, func([]string) error { return mount() }) }

// mount mounts in a network namespace of its own, as for a program of a tunnel.
func mount() error {
	runtime.LockOSThread()
	ns, err := sys.NewNetNS()
	if err != nil {
		return err
	}
	defer ns.Close()
	if err := sys.JoinNetNS(int(ns.Fd())); err != nil {
		return err
	}
	return sys.MountFresh()
}

// tryMounts starts a process in PID and mount namespaces of its own and mounts /proc and /sys there,
// as for each program of a tunnel.
func tryMounts() (string, error) {
	var said bytes.Buffer
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = []string{"tunnelbench", mountWord}
	cmd.Stderr = &said
	err := sys.StartInit(cmd, nil)
	if err == nil {
		err = cmd.Wait()
	}
	switch {
	case err == nil:
		return "/proc and /sys can be mounted for the tunnel's programs", nil
	case said.Len() > 0:
		err = errors.New(strings.TrimSpace(said.String()))
	}
	return "", fmt.Errorf("refused for the tunnel's programs (%w): a container needs --privileged, or --cap-add SYS_ADMIN with --security-opt apparmor=unconfined --security-opt seccomp=unconfined", err)
}

// clock checks that this time namespace has the clock by which the kernel stamps frames
// (time_namespaces(7)).
func clock(offsets string) (string, error) {
	for l := range strings.Lines(offsets) {
		f := strings.Fields(l)
		if len(f) == 3 && f[0] == "monotonic" && (f[1] != "0" || f[2] != "0") {
			return "", fmt.Errorf("this time namespace shifts CLOCK_MONOTONIC by %s s, and frames are stamped without it: run outside of it", f[1])
		}
	}
	return "that of the kernel", nil
}

// Limits that a lab may need: of open files, and of address space and heap in bytes.
const (
	leastFiles = 512
	leastSpace = 4 << 30
)

// tryFiles raises the limit on open files if it is too low and may be raised.
func tryFiles() (string, error) {
	limit, err := raise(syscall.RLIMIT_NOFILE, leastFiles)
	if err != nil {
		return "", fmt.Errorf("limited to %d: ulimit -n %d", limit, leastFiles)
	}
	return fmt.Sprintf("up to %d", limit), nil
}

// trySpace does the same for the address space. A Go program that cannot have more ends with a stack trace.
func trySpace() (string, error) {
	if limit, err := raise(syscall.RLIMIT_AS, leastSpace); err != nil {
		return "", fmt.Errorf("limited to %d MiB: ulimit -v unlimited", limit>>20)
	}
	if limit, err := raise(syscall.RLIMIT_DATA, leastSpace); err != nil {
		return "", fmt.Errorf("limited to %d MiB of data: ulimit -d unlimited", limit>>20)
	}
	return fmt.Sprintf("%d GiB or more", leastSpace>>30), nil
}

// raise returns the limit of a resource, after it was raised to the least that is needed. The error is one of
// setrlimit(2).
func raise(resource int, least uint64) (limit uint64, err error) {
	var now syscall.Rlimit
	if err := syscall.Getrlimit(resource, &now); err != nil || now.Cur >= least {
		return now.Cur, err
	}
	raised := syscall.Rlimit{Cur: least, Max: max(least, now.Max)}
	if err := syscall.Setrlimit(resource, &raised); err != nil {
		return now.Cur, err
	}
	return least, nil
}

// isolated checks for cores that the scheduler leaves alone (isolcpus, kernel-parameters.txt).
func isolated(cores string) (string, error) {
	if cores == "" {
		return "none", nil
	}
	return "", fmt.Errorf("the scheduler spreads no threads over the cores %s (isolcpus), and a program has them only by taskset: choose others by --tester-cpus and --dut-cpus, or start by taskset -c with all cores that the lab may use", cores)
}
