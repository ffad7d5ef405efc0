package testenv

import (
	"os/exec"
	"syscall"

	"github.com/cilium/ebpf"
	bpf "github.com/cilium/ebpf/features"
)

// features are the kernel features that the lab's tests need.
var features = []feature{
	{"network namespaces (CAP_SYS_ADMIN, unshare(2))", probeNamespace},
	{"BPF maps (CAP_BPF, bpf(2))", func() error { return bpf.HaveMapType(ebpf.Array) }},
	{"BPF programs on interfaces (XDP)", func() error { return bpf.HaveProgramType(ebpf.XDP) }},
	{"BPF programs in traffic control (tc-bpf(8))", func() error { return bpf.HaveProgramType(ebpf.SchedCLS) }},
}

// probeNamespace starts a process in a new network namespace. A thread of this process is not
// enough: the runtime cannot end the first thread, and /proc/self/ns/net would stay in the new
// namespace.
func probeNamespace() error {
	cmd := exec.Command("true")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	return cmd.Run()
}
