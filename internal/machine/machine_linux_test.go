package machine

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/tunnelbench/tunnelbench/internal/reexec"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
)

// checkEnv makes the test binary print what Check returns.
const checkEnv = "TB_TEST_CHECK"

func TestMain(m *testing.M) {
	reexec.Main()
	if os.Getenv(checkEnv) != "" {
		if refused := os.Getenv(refuseEnv); refused != "" {
			refuse(refused)
		}
		if err := Check(); err != nil {
			os.Stdout.WriteString(err.Error())
		}
		os.Stderr.WriteString(strings.Join(Notes(), "\n"))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// refuseEnv makes the kernel refuse a system call to the process that checks: "errno number".
const refuseEnv = "TB_TEST_REFUSE"

// refuse installs a filter of system calls (seccomp(2)), as a container has one, and starts the program
// again, all threads of which then have it.
func refuse(text string) {
	runtime.LockOSThread()
	var errno, call uint32
	if _, err := fmt.Sscan(text, &errno, &call); err != nil {
		panic(err)
	}
	const allow, fail, noNewPrivs, setFilter = 0x7fff0000, 0x00050000, 38, 2
	filter := []syscall.SockFilter{
		{Code: syscall.BPF_LD | syscall.BPF_W | syscall.BPF_ABS}, // the number of the call
		{Code: syscall.BPF_JMP | syscall.BPF_JEQ | syscall.BPF_K, Jt: 1, K: call},
		{Code: syscall.BPF_RET, K: allow},
		{Code: syscall.BPF_RET, K: fail | errno},
	}
	program := syscall.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	_, _, first := syscall.RawSyscall(syscall.SYS_PRCTL, noNewPrivs, 1, 0)
	_, _, second := syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_SECCOMP, setFilter, uintptr(unsafe.Pointer(&program)))
	os.Unsetenv(refuseEnv)
	panic(errors.Join(first, second, syscall.Exec("/proc/self/exe", os.Args, os.Environ())))
}

// expect checks an error of a need; empty: none.
func expect(t *testing.T, found string, err error, want string) {
	t.Helper()
	if want == "" && (err != nil || found == "") || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
		t.Errorf("found %q, %v, want an error with %q", found, err, want)
	}
}

func TestReadings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		try        func(string) (string, error)
		text, want string
	}{
		"all capabilities": {capabilities, "Name:\tx\nCapEff:\t000001ffffffffff\n", ""},
		"docker's default": {capabilities, "CapEff:\t00000000a80425fb\n", "lacks CAP_SYS_ADMIN"},
		"no NET_ADMIN":     {capabilities, "CapEff:\t000001ffffffefff\n", "--cap-add NET_ADMIN"},
		"no SYS_NICE":      {capabilities, "CapEff:\t000001ffff7fffff\n", "lacks CAP_SYS_NICE"},
		"no /proc":         {capabilities, "", "mount -t proc"},
		"no offsets":       {clock, "monotonic           0         0\nboottime            0         0\n", ""},
		"no time ns":       {clock, "", ""},
		"an offset":        {clock, "monotonic        1000         0\nboottime            0         0\n", "by 1000 s"},
		"ns alone":         {clock, "monotonic           0         5\n", "shifts CLOCK_MONOTONIC"},
		"none isolated":    {isolated, "", ""},
		"isolated":         {isolated, "2-3", "the cores 2-3 (isolcpus)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, err := c.try(c.text)
			expect(t, found, err, c.want)
		})
	}
}

func TestControlGroup(t *testing.T) {
	t.Parallel()
	const two, one = "0::/a/b\n", "4:cpu,cpuacct:/a\n9:pids:/a\n8:memory:/a\n0::/\n"
	for name, c := range map[string]struct {
		group                      string
		files                      map[string]string
		processes, memory, cpuTime string
	}{
		"no limits":         {two, nil, "", "", ""},
		"limits of max":     {two, map[string]string{"a/b/cpu.max": "max 100000", "a/b/pids.max": "max", "a/memory.max": "max"}, "", "", ""},
		"half a core":       {two, map[string]string{"a/b/cpu.max": "50000 100000"}, "", "", "the time of 0.5 cores"},
		"a group above":     {two, map[string]string{"a/cpu.max": "150000 100000", "a/b/cpu.max": "max 100000"}, "", "", "1.5 cores"},
		"container's root":  {"0::/\n", map[string]string{"cpu.max": "200000 100000"}, "", "", "2 cores"},
		"version 1":         {one, map[string]string{"cpu/a/cpu.cfs_quota_us": "25000", "cpu/a/cpu.cfs_period_us": "50000"}, "", "", "0.5 cores"},
		"version 1, none":   {one, map[string]string{"cpu/a/cpu.cfs_quota_us": "-1", "cpu/a/cpu.cfs_period_us": "50000"}, "", "", ""},
		"few processes":     {two, map[string]string{"a/pids.max": "50"}, "the control group allows 50", "", ""},
		"version 1, few":    {one, map[string]string{"pids/a/pids.max": "50"}, "allows 50", "", ""},
		"little memory":     {two, map[string]string{"a/b/memory.max": "67108864"}, "", "64 MiB", ""},
		"version 1, little": {one, map[string]string{"memory/a/memory.limit_in_bytes": "67108864"}, "", "64 MiB", ""},
		"nonsense":          {"x\n:::\n", map[string]string{"cpu.max": "fast", "pids.max": "-"}, "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for name, text := range c.files {
				path := filepath.Join(dir, name)
				if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text+"\n"), 0o644)); err != nil {
					t.Fatal(err)
				}
			}
			g := parseGroup(dir, c.group)
			found, err := g.processes()
			expect(t, found, err, c.processes)
			found, err = g.memory("MemAvailable:    9000000 kB\n")
			expect(t, found, err, c.memory)
			found, err = g.cpuTime()
			expect(t, found, err, c.cpuTime)
		})
	}
	found, err := parseGroup(t.TempDir(), "").memory("MemFree: 1 kB\nMemAvailable: 1024 kB\n")
	expect(t, found, err, "1 MiB (/proc/meminfo)")
}

// What the kernel refuses is said before a lab opens: an error, or a note if the lab can do without.
func TestCheck(t *testing.T) {
	testenv.NetAdmin(t)
	const ro = `mount --bind /proc/sys /proc/sys; mount -o remount,ro,bind /proc/sys; `
	settings := func(backlog string) string { // whatever a lab beside this test has set
		return `exec unshare -m sh -c 'exec 9<"$0"; mount -t tmpfs none /tmp; echo ` + backlog + ` >/tmp/net; echo 0 >/tmp/kernel; ` + ro + `
		for s in net/core/netdev_max_backlog kernel/sched_autogroup_enabled; do
			[ ! -e /proc/sys/$s ] || { mount --bind /tmp/${s%%/*} /proc/sys/$s; mount -o remount,ro,bind /proc/sys/$s; }
		done; exec /proc/self/fd/9' "$0"`
	}
	number := func(errno syscall.Errno, call int) string {
		return fmt.Sprintf("exec env %s='%d %d'", refuseEnv, errno, call)
	}
	for name, c := range map[string]struct{ shell, want, note string }{
		"fine":                 {`exec "$0"`, "", ""},
		"few open files":       {`ulimit -Sn 64; exec "$0"`, "", ""},
		"little address space": {`ulimit -Sv 2000000; exec "$0"`, "", ""},
		"no more space":        {`ulimit -v 2000000; exec setpriv --bounding-set -sys_resource "$0"`, "address space: limited to 1953 MiB: ulimit -v unlimited", ""},
		"no more data":         {`ulimit -d 2000000; exec setpriv --bounding-set -sys_resource "$0"`, "address space: limited to 1953 MiB of data: ulimit -d unlimited", ""},
		"may not raise":        {`ulimit -n 64; exec setpriv --bounding-set -sys_resource "$0"`, "open files: limited to 64: ulimit -n 512", ""},
		"no NET_ADMIN":         {`exec setpriv --bounding-set -net_admin "$0"`, "lacks CAP_NET_ADMIN", ""},
		"no SYS_ADMIN":         {`exec setpriv --bounding-set -sys_admin "$0"`, "lacks CAP_SYS_ADMIN", ""},
		"time namespace":       {`exec unshare -T --monotonic 1000 -f "$0"`, "shifts CLOCK_MONOTONIC by 1000 s", ""},
		"TMPDIR":               {`exec env TMPDIR=/proc/nosuch "$0"`, `"/proc/nosuch" (TMPDIR): does not exist`, ""},
		"settings":             {settings("1000"), "netdev_max_backlog cannot be changed (read-only file system): run where /proc/sys is writable", ""},
		"settings as wanted":   {settings("30000"), "", ""},
		"/sys read-only":       {`exec unshare -m sh -c 'mount -o remount,ro,bind /sys; exec "$0"' "$0"`, "", ""},
		"no control groups":    {`exec unshare -m sh -c 'mount -t tmpfs none /sys/fs/cgroup; exec "$0"' "$0"`, "", ""},
		"no locked memory":     {`exec prlimit --memlock=0 "$0"`, "", ""},
		"no unshare":           {number(syscall.EPERM, syscall.SYS_UNSHARE) + ` "$0"`, "(unshare: operation not permitted): a container needs --privileged", ""},
		"unshare unknown":      {number(syscall.ENOSYS, syscall.SYS_UNSHARE) + ` "$0"`, "(unshare: function not implemented): a container needs", ""},
		"no mount":             {number(syscall.EPERM, syscall.SYS_MOUNT) + ` "$0"`, "mounts: refused for the tunnel's programs", ""},
		"AppArmor's mount":     {number(syscall.EACCES, syscall.SYS_MOUNT) + ` "$0"`, "--security-opt apparmor=unconfined", ""},
		"no bpf":               {number(syscall.EPERM, bpfCall) + ` "$0"`, "", "BPF: refused ("},
		"bpf unknown":          {number(syscall.ENOSYS, bpfCall) + ` "$0"`, "", "--security-opt seccomp=unconfined"},
	} {
		t.Run(name, func(t *testing.T) {
			var notes strings.Builder
			cmd := exec.Command("sh", "-c", c.shell, os.Args[0])
			cmd.Env = append(os.Environ(), checkEnv+"=1")
			cmd.Stderr = &notes
			out, err := cmd.Output()
			if err != nil || c.want == "" && len(out) > 0 || !strings.Contains(string(out), c.want) || !strings.Contains(notes.String(), c.note) {
				t.Errorf("%v: %s, want %q; notes %q, want %q", err, out, c.want, &notes, c.note)
			}
		})
	}
}

// bpfCall is the number of bpf(2).
var bpfCall = map[string]int{"amd64": 321, "arm64": 280}[runtime.GOARCH]
