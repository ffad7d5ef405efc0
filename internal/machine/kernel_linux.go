package machine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/rlimit"
)

// settings checks that the settings below a folder, which is /proc/sys, have the wanted value or can be changed.
func settings(dir string) (string, error) {
	for _, s := range Sysctls {
		path := filepath.Join(dir, s.Key)
		if value, err := os.ReadFile(path); err == nil && strings.TrimSpace(string(value)) == s.Value {
			continue
		}
		file, err := os.OpenFile(path, os.O_WRONLY, 0)
		switch {
		case err == nil:
			file.Close()
		case !errors.Is(err, os.ErrNotExist):
			return "", fmt.Errorf("%s cannot be changed (%w): run where /proc/sys is writable, a container with --privileged", s.Key, errors.Unwrap(err))
		}
	}
	return "are as wanted, or can be changed for a run and are put back after it", nil
}

// tryBPF makes a small map. A kernel before 5.11 counts it as locked memory.
func tryBPF() (string, error) {
	err := rlimit.RemoveMemlock()
	if err == nil {
		var m *ebpf.Map
		if m, err = ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1}); err == nil {
			return "programs and maps can be loaded", m.Close()
		}
	}
	return "", fmt.Errorf("refused (%w): without it only the engine afpacket measures, and no device with an XDP port: a container needs --privileged, or --cap-add BPF with --security-opt seccomp=unconfined; an old kernel ulimit -l unlimited", err)
}
