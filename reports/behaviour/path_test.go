package behaviour

import (
	"testing"
	"time"
)

func TestPath(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]Path{
		"1%-20ms-cubic":  {"1%", 20 * time.Millisecond, "cubic"},
		"0.1%-100ms-bbr": {"0.1%", 100 * time.Millisecond, "bbr"},
	} {
		if got, ok := ParsePath(name); !ok || got != want || got.Name() != name {
			t.Errorf("%s: %+v, %v", name, got, ok)
		}
	}
	for _, name := range []string{"", "quiet", "1%-20ms-cubic-plain", (Path{"1%", time.Second, "reno"}).Share(), "1%-soon-cubic", "1%--1ms-cubic"} {
		if got, ok := ParsePath(name); ok {
			t.Errorf("%q: %+v", name, got)
		}
	}
}
