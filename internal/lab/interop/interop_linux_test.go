package interop

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/reexec"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/reports/interop"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

func TestMain(m *testing.M) {
	reexec.Main()
	os.Exit(m.Run())
}

func script(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\n# tunnelbench: contract=2\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
	return "exec:" + path
}

func run(t *testing.T, p Plan) *interop.Report {
	t.Helper()
	testenv.NetAdmin(t)
	p.Wait = true
	r := NewReport(result.Tool{}, nil, time.Now())
	if err := Run(t.Context(), p, r); err != nil {
		t.Fatal(err)
	}
	return r
}

// Ours and wireguard-go understand each other, each in both roles.
func TestEndsUnderstandEachOther(t *testing.T) {
	ends, err := ParseEnds([]string{"reference-wg-xdp", "wireguard-go"})
	if err != nil {
		t.Fatal(err)
	}
	only := []string{"left-calls", "right-calls", "sizes", "ipv6", "psk-differs", "psk-changed", "peer-removed", "crossing", "disorder", "left-roams", "right-roams", "left-roams6", "right-roams6"}
	r := run(t, Plan{Ends: ends, Only: only})
	if len(r.Cells) != 4*len(only) {
		t.Errorf("%d cells, want %d", len(r.Cells), 4*len(only))
	}
	for _, c := range r.Cells {
		if c.Outcome != interop.Passed {
			t.Errorf("%+v", c)
		}
	}
}

// An end that says nothing fails, and one that cannot run here is unsupported.
func TestEndsThatDoNot(t *testing.T) {
	deaf := script(t, "deaf.sh", `ip link add "$TB_DEV" mtu "$TB_MTU" type vxlan id 9 dstport 4789 local "$TB_LOCAL" remote "$TB_PEER" dev "$TB_WAN"
ip link set "$TB_DEV" up
exec sleep 1000`)
	absent := script(t, "absent.sh", "echo 'no such program here' >&2; exit 127")
	ends, err := ParseEnds([]string{deaf, absent, "wireguard-go"})
	if err != nil {
		t.Fatal(err)
	}
	r := run(t, Plan{Ends: ends, Only: []string{"left-calls"}})
	for _, c := range r.Cells {
		switch {
		case strings.Contains(c.Left+c.Right, "absent"):
			if c.Outcome != interop.Unsupported || !strings.Contains(c.Why, "no such program here") {
				t.Errorf("%+v, want unsupported", c)
			}
		case c.Left == "wireguard-go" && c.Right == "wireguard-go":
			if c.Outcome != interop.Passed {
				t.Errorf("%+v", c)
			}
		case c.Outcome != interop.Failed || c.Why == "":
			t.Errorf("%+v, want failed", c)
		}
	}
}
