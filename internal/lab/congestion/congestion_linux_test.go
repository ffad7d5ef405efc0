package congestion

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/netns"
)

// What namespaces may use anyway changes nothing on the machine, what they may not use is allowed first,
// and what the kernel does not have is named.
func TestAllow(t *testing.T) {
	testenv.NetAdmin(t)
	asked := ""
	set := func(key, value string) error {
		asked = key + "=" + value
		return errors.New("not on this machine")
	}
	for _, name := range []string{"", "reno", Default()} {
		if err := Allow(name, set); err != nil || asked != "" {
			t.Errorf("%s: %v, asked for %q", name, err, asked)
		}
	}
	for _, name := range Available() {
		if slices.Contains(strings.Fields(read(keyAllowed)), name) {
			continue
		}
		if err := Allow(name, set); !errors.Is(err, errors.ErrUnsupported) || !strings.HasSuffix(asked, " "+name) {
			t.Errorf("%s is not allowed: %v, asked for %q", name, err, asked)
		}
	}
	if err := Allow("nosuch", set); !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "this kernel has "+strings.Join(Available(), ", ")) {
		t.Errorf("an algorithm that no kernel has: %v", err)
	}
}

func TestSet(t *testing.T) {
	testenv.NetAdmin(t)
	n, err := netns.Build(context.Background(), netns.Dual(netns.Plan{}), netns.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	for _, want := range []string{"reno", Default()} {
		if err := Set(n, want); err != nil {
			t.Fatal(err)
		}
		for _, node := range n.Topology.Nodes {
			if got, err := n.NS(node).Sysctl(keyDefault); got != want || err != nil {
				t.Errorf("%s: %q, %v, want %s", node, got, err, want)
			}
		}
	}
}
