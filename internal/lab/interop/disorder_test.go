package interop

import (
	"strings"
	"testing"
)

// A packet that did not come, and one that came twice, are both faults.
func TestOnce(t *testing.T) {
	t.Parallel()
	packets := []packet{packetOf(4, 64), packetOf(4, 64)}
	for _, c := range []struct {
		came [2]int
		want string
	}{
		{[2]int{1, 1}, ""}, {[2]int{1, 0}, "1 did not arrive, and 0 arrived"}, {[2]int{1, 2}, "0 did not arrive, and 1 arrived"}, {[2]int{3, 0}, "1 did not arrive, and 1 arrived"},
	} {
		h := &host{name: "server", got: map[string]int{}}
		for i, p := range packets {
			h.got[p.kind.network+string(p.payload)] = c.came[i]
		}
		err := once(h, packets)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %q", c.came, err, c.want)
		}
	}
}
