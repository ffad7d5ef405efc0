package role

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/tunnelbench/tunnelbench/netns"
)

func TestWireGuardSidesKnowEachOther(t *testing.T) {
	left, err := wireGuardConfig(End{Side: netns.Left, Run: "r", Peer: netip.MustParseAddr("192.0.2.2")})
	if err != nil {
		t.Fatal(err)
	}
	right, err := wireGuardConfig(End{Side: netns.Right, Run: "r", Peer: netip.MustParseAddr("192.0.2.1")})
	if err != nil {
		t.Fatal(err)
	}
	field := func(config, name string) string {
		for line := range strings.Lines(config) {
			if value, ok := strings.CutPrefix(line, name+"="); ok {
				return strings.TrimSpace(value)
			}
		}
		return ""
	}
	if field(left, "private_key") == field(right, "private_key") || field(left, "public_key") == field(right, "public_key") {
		t.Errorf("both sides have the same keys:\n%s\n%s", left, right)
	}
	if field(left, "endpoint") != "192.0.2.2:51820" {
		t.Errorf("left's endpoint is %s", field(left, "endpoint"))
	}
}

func TestBuiltinsHaveRoles(t *testing.T) {
	if err := runBuiltin("no-such-tunnel"); err == nil || errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("an unknown role: %v", err)
	}
	for _, name := range []string{WireGuardGo, Reference, Naive, Relay} {
		if builtins[name] == nil {
			t.Errorf("%s has no role", name)
		}
	}
}
