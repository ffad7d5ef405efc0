package emulated

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/interop"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// cost is a line of the console with a cost.
const cost = Mark + `{"cost":{"device":"vxlan","frame_size":64,"instructions_per_frame":23207,"left":null,"right":null,"batches":100,"lost":0}}`

func TestConsole(t *testing.T) {
	for name, c := range map[string]struct {
		console string
		want    *result.Counts
		faults  []Fault
		err     string
	}{
		"what was counted": {
			"noise\r\n" + cost + "\r\n" + Mark + `{"call":{"name":"f","instructions_per_call":7}}` + "\r\n" + Mark + `{"done":true}` + "\r\n",
			&result.Counts{Costs: []result.Cost{{Device: "vxlan", FrameSize: 64, Instructions: 23207, Batches: 100}}, Calls: []result.CallCost{{Name: "f", Instructions: 7}}}, nil, "",
		},
		"a device that does not come up": {
			Mark + `{"fault":{"device":"exec:a","reason":"no ip"}}` + "\n" + Mark + `{"done":true}` + "\n",
			&result.Counts{}, []Fault{{"exec:a", "no ip"}}, "",
		},
		"the guest fails":        {Mark + `{"fault":{"reason":"load veth.ko: no"}}`, nil, nil, "load veth.ko: no"},
		"a panic of the kernel":  {cost + "\nKernel panic - not syncing: no init\n", nil, nil, "its last words: Kernel panic - not syncing: no init"},
		"a panic of the program": {"panic: nil map\ngoroutine 1\nKernel panic - not syncing\n", nil, nil, "its last words: panic: nil map"},
		"an end in the middle":   {cost, nil, nil, "did not finish"},
		"a line that is cut off": {cost[:60] + "\n" + Mark + `{"done":true}`, nil, nil, "not understood"},
		"nothing at all":         {"", nil, nil, "did not finish"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseConsole(strings.NewReader(c.console), nil)
			if c.err != "" {
				if !errors.Is(err, ErrGuest) || !strings.Contains(err.Error(), c.err) {
					t.Errorf("error %v, want %q", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got.counts) + cmp.Diff(c.faults, got.faults); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What the checks came to is told line by line, so that it is kept of a machine that does not finish.
func TestConsoleTellsCells(t *testing.T) {
	want := []interop.Cell{
		{Left: "a", Right: "b", Check: "sizes", Outcome: interop.Passed, Seconds: 2.5},
		{Left: "b", Right: "a", Check: "sizes", Outcome: interop.Failed, Why: "lost", Seconds: 3},
	}
	console := "noise\r\n"
	for _, c := range want {
		text, err := json.Marshal(Line{Cell: &c})
		if err != nil {
			t.Fatal(err)
		}
		console += Mark + string(text) + "\r\n"
	}
	var got []interop.Cell
	if _, err := parseConsole(strings.NewReader(console), func(c interop.Cell) { got = append(got, c) }); !errors.Is(err, ErrGuest) {
		t.Errorf("error %v, want that the machine did not finish", err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A build is packed under a path that does not depend on where it is on the host, since the path's
// length is part of what the guest executes.
func TestPackBuild(t *testing.T) {
	d, err := dut.Parse("reference@/bin/sh:gso=on")
	if err != nil {
		t.Fatal(err)
	}
	vxlan, err := dut.Parse("vxlan")
	if err != nil {
		t.Fatal(err)
	}
	p, err := pack(Request{Devices: []dut.Device{d, vxlan}, Sizes: []rfc2544.FrameSize{64}, Batches: 9, Calls: true})
	if err != nil {
		t.Fatal(err)
	}
	want := Job{Devices: []string{"reference@/dut000/tunnelbench:gso=on", "vxlan"}, Sizes: []rfc2544.FrameSize{64}, Batches: 9, Calls: "/dut000/tunnelbench"}
	if diff := cmp.Diff(want, p.job); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"veth", "tun", "vxlan"}, p.modules); diff != "" {
		t.Error(diff)
	}
	if len(p.files) < 1 || p.files[0].Path != "/dut000/tunnelbench" || p.files[0].Source != "/bin/sh" {
		t.Errorf("%+v", p.files)
	}
	if got := p.name(p.job.Devices[0]); got != d.Spec {
		t.Errorf("%q, want %q", got, d.Spec)
	}
}
