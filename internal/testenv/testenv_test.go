package testenv

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/cilium/ebpf"
)

// What is missing is named, with the kernel's own error behind it.
func TestFirstMissing(t *testing.T) {
	t.Parallel()
	there := feature{"namespaces", func() error { return nil }}
	for _, c := range []struct {
		name string
		all  []feature
		want error
	}{
		{"nothing", []feature{there}, nil},
		{"not in this kernel", []feature{there, {"BPF", func() error { return ebpf.ErrNotSupported }}}, ebpf.ErrNotSupported},
		{"not allowed", []feature{{"BPF", func() error { return syscall.EPERM }}, there}, syscall.EPERM},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := firstMissing(c.all)
			var m missing
			named := errors.As(err, &m) && strings.HasPrefix(err.Error(), "BPF: ")
			if !errors.Is(err, c.want) || named != (c.want != nil) || errors.Is(err, errElsewhere) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
}
