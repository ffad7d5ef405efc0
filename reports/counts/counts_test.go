package counts

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

func TestWriteText(t *testing.T) {
	left, right := 6000.0, 7000.5
	c := &result.Counts{
		Emulator: "QEMU emulator version 7.2", Kernel: "6.1.0",
		Costs: []result.Cost{
			{Device: "wire", FrameSize: 64, Instructions: 7662},
			{Device: "vxlan", FrameSize: 64, Instructions: 23207},
			{Device: "naive", FrameSize: 64, Instructions: 32372.25, Left: &left, Right: &right},
			{Device: "naive", FrameSize: 512, Instructions: 33000, Left: &left, Right: &right},
		},
		Calls: []result.CallCost{{Name: "wire.ParseDatagram/46", Instructions: 41.5}},
	}
	var b strings.Builder
	if err := WriteText(&b, c); err != nil {
		t.Fatal(err)
	}
	want := `QEMU emulator version 7.2, Linux 6.1.0

tunnel  size  instructions a frame  less the wire  left end  right end     rest
wire      64                7662.0
vxlan     64               23207.0        15545.0
naive     64               32372.2        24710.2    6000.0     7000.5  19371.8
naive    512               33000.0                   6000.0     7000.5  19999.5

function               instructions a call
wire.ParseDatagram/46                 41.5

` + Meaning + "\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}

// Several kernels stand side by side; a device without a cost in one of them has none there.
func TestWriteTextOfKernels(t *testing.T) {
	old := &result.Counts{Emulator: "QEMU", Kernel: "5.10.0 (a builder)", Costs: []result.Cost{{Device: "vxlan", FrameSize: 64, Instructions: 24000}, {Device: "gre", FrameSize: 64, Instructions: 23000}}}
	new := &result.Counts{Emulator: "QEMU", Kernel: "6.1.0", Costs: []result.Cost{{Device: "vxlan", FrameSize: 64, Instructions: 22705}}}
	var b strings.Builder
	if err := WriteText(&b, old, new); err != nil {
		t.Fatal(err)
	}
	want := `QEMU, Linux 5.10.0 (a builder)
QEMU, Linux 6.1.0

tunnel  size   5.10.0    6.1.0
vxlan     64  24000.0  22705.0
gre       64  23000.0        –

` + Meaning + "\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}

// Beside results of a run, each device has its place by instructions and by time.
func TestRowsWithOrder(t *testing.T) {
	c := &result.Counts{Costs: []result.Cost{
		{Device: "wire", FrameSize: 64, Instructions: 7000}, {Device: "vxlan", FrameSize: 64, Instructions: 22000}, {Device: "reference", FrameSize: 64, Instructions: 21000}, {Device: "gre", FrameSize: 64, Instructions: 20000},
	}}
	timed := func(device string, fps float64) result.Result {
		return result.Result{DUT: device, Test: rfc2544.NameRate, FrameSize: 64, Values: []rfc2544.Value{{Name: "pdr", Unit: "fps", Value: fps}}}
	}
	var places []string
	for _, r := range Rows(c, []result.Result{timed("wire", 2e6), timed("vxlan", 5e5), timed("reference", 4e5)}) {
		if len(r) != len(Head)+len(order) {
			t.Fatalf("%q: want %d cells", r, len(Head)+len(order))
		}
		places = append(places, r[0]+" "+r[len(r)-2]+" "+r[len(r)-1])
	}
	if diff := cmp.Diff([]string{"wire  ", "vxlan 2 1", "reference 1 2", "gre  "}, places); diff != "" {
		t.Error(diff)
	}
}
