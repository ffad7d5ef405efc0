package testenv

import (
	"runtime"
	"syscall"

	"github.com/cilium/ebpf"
	bpf "github.com/cilium/ebpf/features"
)

// features are what the lab's tests need of the kernel.
var features = []feature{
	{"network namespaces (CAP_SYS_ADMIN, unshare(2))", probeNamespace},
	{"BPF maps (CAP_BPF, bpf(2))", func() error { return bpf.HaveMapType(ebpf.Array) }},
	{"BPF programs on interfaces (XDP)", func() error { return bpf.HaveProgramType(ebpf.XDP) }},
	{"BPF programs in traffic control (tc-bpf(8))", func() error { return bpf.HaveProgramType(ebpf.SchedCLS) }},
}

// probeNamespace makes a network namespace in a thread that ends with it.
func probeNamespace() error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		done <- syscall.Unshare(syscall.CLONE_NEWNET)
	}()
	return <-done
}
