package dut

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseMixed(t *testing.T) {
	t.Parallel()
	type parsed struct {
		Spec, Kind, Protocol string
		Overhead             int
		Left, Right          map[string]string
	}
	keyed := program(t, "end.sh", "#!/bin/sh\n# tunnelbench: contract=2\n")
	speaks := program(t, "lang.sh", "#!/bin/sh\n# tunnelbench: speaks=reference params=program\n")
	none := map[string]string{}
	for _, c := range []struct {
		name, spec string
		want       parsed
	}{
		{"two of WireGuard", "mixed:left=wireguard-go,right=reference-wg", parsed{"mixed:left=wireguard-go,right=reference-wg", Sealed, "wireguard", 60, none, none}},
		{"with parameters", "mixed:left=wireguard-go:gomaxprocs=2,gogc=200,right=reference-wg:port=xdp,gso=off",
			parsed{"mixed:left=wireguard-go:gomaxprocs=2,gogc=200,right=reference-wg:port=xdp,gso=off", Sealed, "wireguard", 60,
				map[string]string{"gomaxprocs": "2", "gogc": "200"}, map[string]string{"port": "xdp", "gso": "off"}}},
		{"plain ones", "mixed:left=naive,right=reference-tun", parsed{"mixed:left=naive,right=reference-tun", Plain, "reference", 46, none, none}},
		{"with the kernel's", "mixed:left=wireguard-kernel,right=tailscale-wireguard-go", parsed{"mixed:left=wireguard-kernel,right=tailscale-wireguard-go", Sealed, "wireguard", 60, none, none}},
		{"with a script", "mixed:left=exec:" + keyed + ",right=reference-wg", parsed{"mixed:left=exec:end.sh,right=reference-wg", Sealed, "wireguard", 60, nil, none}},
		{"two scripts of the reference's format", "mixed:left=exec:" + speaks + ":program=c,right=exec:" + speaks, parsed{"mixed:left=exec:lang.sh:program=c,right=exec:lang.sh", Plain, "reference", 46, map[string]string{"program": "c"}, nil}},
		{"a script and the reference tunnel", "mixed:left=naive,right=exec:" + speaks, parsed{"mixed:left=naive,right=exec:lang.sh", Plain, "reference", 46, none, nil}},
		{"one underlay for both", "mixed:left=wireguard-go:underlay=6,right=reference-wg", parsed{"mixed:left=wireguard-go:underlay=6,right=reference-wg", Sealed, "wireguard", 60, map[string]string{"underlay": "6"}, none}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d, err := Parse(c.spec)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, parsed{d.Spec, d.Kind, d.Protocol, d.Overhead, d.Sides[0].Values, d.Sides[1].Values}); diff != "" {
				t.Error(diff)
			}
			if again, err := Parse(d.Argument); err != nil || again.Spec != d.Spec {
				t.Errorf("its argument %s gives %s, %v", d.Argument, again.Spec, err)
			}
		})
	}
}

func TestMixedFaults(t *testing.T) {
	t.Parallel()
	old := program(t, "old.sh", "#!/bin/sh\n# tunnelbench: contract=1\n")
	speaks := program(t, "lang.sh", "#!/bin/sh\n# tunnelbench: speaks=reference\n")
	for _, c := range []struct{ name, spec, want string }{
		{"a script of the reference's format and WireGuard", "mixed:left=exec:" + speaks + ",right=wireguard-go", "exec:lang.sh speaks reference and wireguard-go speaks wireguard"},
		{"no sides", "mixed:", "write mixed:left=DEVICE,right=DEVICE"},
		{"no right side", "mixed:left=naive", "write mixed:left=DEVICE,right=DEVICE"},
		{"sides the other way round", "mixed:right=naive,left=reference", "write mixed:left=DEVICE,right=DEVICE"},
		{"an unknown device", "mixed:left=naive,right=refrence", `dut "refrence": unknown`},
		{"a wrong parameter", "mixed:left=naive:x=1,right=reference", "naive has no parameters"},
		{"two protocols", "mixed:left=wireguard-go,right=reference", "wireguard-go speaks wireguard and reference speaks reference"},
		{"a tunnel of the kernel without ends", "mixed:left=vxlan,right=vxlan", "vxlan cannot be one side of a pair"},
		{"no tunnel", "mixed:left=wire,right=plain", "wire cannot be one side of a pair"},
		{"a pair in a pair", "mixed:left=mixed:left=naive,right=reference,right=naive", "write mixed:left=DEVICE"},
		{"a script of version 1", "mixed:left=exec:" + old + ",right=wireguard-go", "contract=2"},
		{"a script that does not say what it speaks", "mixed:left=exec:" + old + ",right=reference", "speaks=reference"},
		{"two underlays", "mixed:left=wireguard-go:underlay=6,right=reference-wg:underlay=4", "underlay=6 on the left and 4 on the right"},
		{"an underlay that the other cannot have", "mixed:left=reference:underlay=6,right=naive", "underlay=6 on the left and 4 on the right"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse(c.spec)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v, want one line with %q", err, c.want)
			}
		})
	}
}
