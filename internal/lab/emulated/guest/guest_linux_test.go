package guest_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/internal/lab/emulated"
	_ "github.com/tunnelbench/tunnelbench/internal/lab/emulated/guest" // its role
	lab "github.com/tunnelbench/tunnelbench/internal/lab/interop"
	"github.com/tunnelbench/tunnelbench/internal/reexec"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/interop"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

func TestMain(m *testing.M) {
	reexec.Main()
	os.Exit(m.Run())
}

// count boots a machine once.
func count(t *testing.T, specs ...string) (*result.Counts, []emulated.Fault) {
	t.Helper()
	m, err := emulated.Find(t.Context(), "")
	testenv.Optional(t, err)
	r := emulated.Request{Sizes: []rfc2544.FrameSize{64}, Batches: 12}
	for _, spec := range specs {
		d, err := dut.Parse(spec)
		if err != nil {
			t.Fatal(err)
		}
		r.Devices = append(r.Devices, d)
	}
	b, err := m.Prepare(r)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	c, faults, err := b.Count(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return c, faults
}

// The same build costs the same, to the instruction, in every boot.
func TestCountIsExact(t *testing.T) {
	specs := []string{"wire", "plain", "naive"}
	a, faults := count(t, specs...)
	b, more := count(t, specs...)
	if len(faults)+len(more) > 0 || len(a.Costs) != len(specs) || a.Emulator == "" || a.Kernel == "" {
		t.Fatalf("%+v, %+v; %+v, %+v", a, faults, b, more)
	}
	if diff := cmp.Diff(a, b); diff != "" {
		t.Errorf("two boots differ:\n%s", diff)
	}
	wire, plain, naive := a.Costs[0], a.Costs[1], a.Costs[2]
	if !(wire.Instructions > 1000 && wire.Instructions < plain.Instructions && plain.Instructions < naive.Instructions) {
		t.Errorf("wire %v, plain %v, naive %v: want each dearer than the one before", wire.Instructions, plain.Instructions, naive.Instructions)
	}
	if naive.Left == nil || naive.Right == nil || *naive.Left <= 0 || *naive.Right <= 0 || *naive.Left+*naive.Right >= naive.Instructions || plain.Left != nil {
		t.Errorf("the ends: %+v, %+v", naive, plain)
	}
}

// The kernel's WireGuard is a partner of ours: handshakes in both roles, data of all sizes, preshared keys, roaming.
func TestInteropWithTheKernel(t *testing.T) {
	m, err := emulated.Find(t.Context(), "")
	testenv.Optional(t, err)
	r := emulated.Request{Interop: []string{"left-calls", "right-calls", "sizes", "psk", "left-roams"}}
	if r.Devices, err = lab.ParseEnds([]string{"reference-wg-xdp", "wireguard-kernel"}); err != nil {
		t.Fatal(err)
	}
	b, err := m.Prepare(r)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	passed := 0
	if err := b.Interop(t.Context(), func(c interop.Cell) {
		if passed++; c.Outcome != interop.Passed {
			t.Errorf("%+v", c)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if passed != 4*len(r.Interop) {
		t.Errorf("%d cells, want %d", passed, 4*len(r.Interop))
	}
}

// A complete kernel has devices that this machine's may lack.
func TestCountKernelTunnels(t *testing.T) {
	devices := []string{"geneve", "gre", "ipip", "fou", "wireguard-kernel", "netem", "mixed:left=wireguard-kernel,right=reference-wg-xdp"}
	c, faults := count(t, devices...)
	if len(faults) > 0 || len(c.Costs) != len(devices) {
		t.Errorf("%+v, %+v", c.Costs, faults)
	}
}

// A script runs inside with what it names; one that fails is a fault with its words, and the others
// are counted all the same.
func TestCountScripts(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"vxlan.sh": "", "broken.sh": "#!/bin/sh\necho 'no such key' >&2\nexit 3\n"} {
		if text == "" {
			b, err := os.ReadFile("../../../../docs/examples/vxlan.sh")
			if err != nil {
				t.Fatal(err)
			}
			text = string(b)
		}
		if err := os.WriteFile(dir+"/"+name, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	c, faults := count(t, "exec:"+dir+"/broken.sh", "exec:"+dir+"/vxlan.sh", "vxlan")
	if len(faults) != 1 || faults[0].Device != "exec:broken.sh" || !strings.Contains(faults[0].Reason, "no such key") {
		t.Errorf("faults: %+v", faults)
	}
	if len(c.Costs) != 2 || c.Costs[0].Device != "exec:vxlan.sh" {
		t.Fatalf("%+v", c.Costs)
	}
	if script, own := c.Costs[0].Instructions, c.Costs[1].Instructions; script/own < 0.95 || script/own > 1.05 {
		t.Errorf("the kernel's VXLAN costs %v, and %v when a script sets it up", own, script)
	}
}
