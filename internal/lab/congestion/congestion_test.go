package congestion

import (
	"errors"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"cubic": "", "bbr": "", "reno": "", "dctcp": "",
		"cubik": "did you mean cubic", "bbbr": "did you mean bbr", "": "write cubic, bbr or reno", "tcp tuned well": "write cubic, bbr or reno",
	} {
		err := Check(name)
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%q: %v, want one line with %q", name, err, want)
		}
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want string
	}{
		{nil, ""},
		{&os.PathError{Op: "write", Path: "x", Err: syscall.ENOENT}, "this kernel does not have it (modprobe tcp_vegas)"},
		{&os.PathError{Op: "write", Path: "x", Err: syscall.EPERM}, "sysctl net.ipv4.tcp_allowed_congestion_control on the host"},
	} {
		err := explain("vegas", c.err)
		if (err == nil) != (c.want == "") || err != nil && (!errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%v: %v, want %q", c.err, err, c.want)
		}
	}
}

// The machine's algorithm is one that the kernel has.
func TestDefaultIsAvailable(t *testing.T) {
	t.Parallel()
	if name := Default(); name != "" && !slices.Contains(Available(), name) {
		t.Errorf("%s is not among %q", name, Available())
	}
}
