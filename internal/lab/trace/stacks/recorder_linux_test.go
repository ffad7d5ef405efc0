package stacks

import (
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
)

const (
	busyWord  = "TB_TEST_BUSY"
	cpuTime   = 300 * time.Millisecond
	longEnded = time.Minute // only a bound for a machine that gives the child no core
)

func TestMain(m *testing.M) {
	switch os.Getenv(busyWord) {
	case "go":
		busyFunction()
	case "system calls":
		busyReading()
	}
	os.Exit(m.Run())
}

//go:noinline
func busyFunction() {
	n := uint64(1)
	for {
		n = n*n + 1
		if n == 0 {
			fmt.Print()
		}
	}
}

// busyReading reads without the help of package os: the race detector would look at each octet.
//
//go:noinline
func busyReading() {
	f, err := os.Open("/dev/zero")
	if err != nil {
		panic(err)
	}
	b := make([]byte, 1<<16)
	for {
		if _, _, errno := syscall.RawSyscall(syscall.SYS_READ, f.Fd(), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b))); errno != 0 {
			panic(errno)
		}
	}
}

// sampled samples a child until it has had enough CPU time, and returns its stacks.
func sampled(t *testing.T, child *exec.Cmd) Profile {
	t.Helper()
	testenv.NetAdmin(t)
	cpus, err := sys.Affinity()
	if err != nil {
		t.Fatal(err)
	}
	r, err := Open(cpus, longEnded)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = child.Process.Kill(), child.Wait() }()
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	for begun := time.Now(); time.Since(begun) < longEnded; time.Sleep(10 * time.Millisecond) {
		if used, err := sys.ProcessCPU(child.Process.Pid); err != nil || used > cpuTime {
			break
		}
	}
	if err := r.Stop(); err != nil {
		t.Fatal(err)
	}
	p, err := r.Profile(map[int]string{child.Process.Pid: "left"})
	if err != nil {
		t.Fatal(err)
	}
	if p.Lost != 0 {
		t.Errorf("%d samples lost", p.Lost)
	}
	return p
}

// most returns the stack with the largest count among those that begin with a task.
func most(p Profile, task string) (stack string) {
	for s, n := range p.Counts {
		if strings.HasPrefix(s, task) && (stack == "" || n > p.Counts[stack]) {
			stack = s
		}
	}
	return stack
}

func again(word string) *exec.Cmd {
	c := exec.Command("/proc/self/exe")
	c.Env = append(os.Environ(), busyWord+"="+word)
	return c
}

// What a process does all the time is on top of its stacks, under those that called it.
func TestBusyFunction(t *testing.T) {
	p := sampled(t, again("go"))
	stack := most(p, "exe (left);")
	if !strings.HasSuffix(stack, "stacks.TestMain;"+qualified(busyFunction)) || !strings.Contains(stack, ";runtime.main;main.main;") {
		t.Errorf("most of %d samples: %q", p.Samples, stack)
	}
}

// A process that lets the kernel work has the kernel's functions above its own.
func TestBusyKernel(t *testing.T) {
	p := sampled(t, again("system calls"))
	stack := most(p, "exe (left);")
	own, kernel := strings.Index(stack, qualified(busyReading)), strings.Index(stack, "_[k]")
	if own < 0 || kernel < own || !strings.Contains(stack, "read") || !strings.HasSuffix(stack, "_[k]") {
		t.Errorf("most of %d samples: %q", p.Samples, stack)
	}
}

func qualified(function func()) string {
	return runtime.FuncForPC(reflect.ValueOf(function).Pointer()).Name()
}

// The addresses of this very program have the names that its runtime gives them.
func TestOwnAddresses(t *testing.T) {
	testenv.NetAdmin(t)
	r := newResolver(nil, nil)
	for _, f := range []any{busyFunction, fmt.Fprintln, strings.Index, TestMain} {
		pc := reflect.ValueOf(f).Pointer()
		if got, want := r.userName(frame{os.Getpid(), uint64(pc)}), runtime.FuncForPC(pc).Name(); got != want {
			t.Errorf("%x: %q, want %q", pc, got, want)
		}
	}
	if got := r.userName(frame{os.Getpid(), 1}); got != unknown {
		t.Errorf("no code: %q", got)
	}
}

// A kernel thread is known as one, and a process is not.
func TestKernelThreads(t *testing.T) {
	testenv.NetAdmin(t)
	if isKernelThread(os.Getpid()) || isKernelThread(1) {
		t.Error("a process is taken for a thread of the kernel")
	}
	for pid := 2; pid < 100; pid++ {
		comm := nameOf(fmt.Sprintf("/proc/%d/comm", pid))
		if strings.HasPrefix(comm, "ksoftirqd/") && !isKernelThread(pid) {
			t.Errorf("%s is not taken for a thread of the kernel", comm)
		}
	}
}
