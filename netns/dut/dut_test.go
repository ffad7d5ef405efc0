package dut

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

func TestParse(t *testing.T) {
	for spec, want := range map[string]map[string]string{
		"vxlan": {}, "wire": {}, "reference": {},
		"reference:gso=off":                  {"gso": "off"},
		"reference:gso=off,gro=on":           {"gso": "off", "gro": "on"},
		"wireguard-go:gomaxprocs=2,gogc=400": {"gomaxprocs": "2", "gogc": "400"},
		"tailscale-wireguard-go:queue=64":    {"queue": "64"},
	} {
		d, err := Parse(spec)
		if err != nil || d.Spec != spec || len(d.Values) != len(want) {
			t.Errorf("%s: %+v, %v", spec, d, err)
		}
		for key, value := range want {
			if d.Values[key] != value {
				t.Errorf("%s: %s is %q, want %q", spec, key, d.Values[key], value)
			}
		}
	}
}

func TestParseRefuses(t *testing.T) {
	plainFile := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(plainFile, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for spec, want := range map[string]string{
		"":                        "unknown: use wire, plain",
		"vxlam":                   "unknown: use wire, plain",
		"vxlan:x=1":               "vxlan has no parameters",
		"reference:gso":           "write engine=run|pool or gro=on|off or gso=on|off",
		"reference:gso=yes":       "write engine=run|pool or gro=on|off or gso=on|off",
		"reference:mtu=9":         "write engine=run|pool or gro=on|off or gso=on|off",
		"reference:gso=on,gso=on": "comes twice",
		"wireguard-go:gogc=off":   "gogc=off: want a number",
		"wireguard-go:queue=9":    "write gogc=.. or gomaxprocs=..",
		"exec:/no/such/file":      "no such file",
		"exec:" + plainFile:       "chmod +x",
		"exec:" + t.TempDir():     "a directory",
		"exec:":                   "a directory",
	} {
		_, err := Parse(spec)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v, want one line with %q", spec, err, want)
		}
	}
}

func TestExecIsNamedAfterItsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mine.sh")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	d, err := Parse("exec:" + path)
	if err != nil || d.Spec != "exec:mine.sh" || d.Kind != Plain {
		t.Errorf("%+v, %v", d, err)
	}
}

// Every tunnel has a unique name, a description, a kind and a probe.
func TestTunnelsAreDescribed(t *testing.T) {
	var seen []string
	for _, tunnel := range All() {
		if slices.Contains(seen, tunnel.Name) {
			t.Errorf("%s is there twice", tunnel.Name)
		}
		seen = append(seen, tunnel.Name)
		if tunnel.Doc == "" || !slices.Contains([]string{Calibration, Plain, Sealed}, tunnel.Kind) || tunnel.Probe == nil {
			t.Errorf("%s: %+v", tunnel.Name, tunnel)
		}
		if (tunnel.Kind == Calibration) != (tunnel.Overhead == 0) {
			t.Errorf("%s: kind %s with an overhead of %d bytes", tunnel.Name, tunnel.Kind, tunnel.Overhead)
		}
		if tunnel.Up == nil && tunnel.Name != "wire" {
			t.Errorf("%s cannot be brought up", tunnel.Name)
		}
	}
}

// The local and peer addresses of one side are the peer and local addresses of the other side.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	b := Env{CPUs: []int{2, 3}, MTU: 1500, Run: "r", Dir: "/d"}
	e := end{contract: contract1, params: map[string]string{"gso": "off"}}
	left, right := b.environment(sides[0], e), b.environment(sides[1], e)
	for _, want := range []string{
		"TB_CONTRACT=1", "TB_SIDE=left", "TB_LOCAL=192.0.2.1", "TB_PEER=192.0.2.2", "TB_WAN=wan", "TB_DEV=tb-left",
		"TB_LOCAL6=2001:2:0:ffff::1", "TB_PEER6=2001:2:0:ffff::2", "TB_MTU=1500", "TB_CPUS=2,3", "TB_DIR=/d", "TB_RUN=r", "TB_PARAM_GSO=off",
	} {
		if !slices.Contains(left, want) {
			t.Errorf("left lacks %s: %v", want, left)
		}
	}
	for _, want := range []string{"TB_SIDE=right", "TB_LOCAL=192.0.2.2", "TB_PEER=192.0.2.1", "TB_DEV=tb-right"} {
		if !slices.Contains(right, want) {
			t.Errorf("right lacks %s: %v", want, right)
		}
	}
	if i := slices.IndexFunc(left, func(v string) bool { return strings.HasPrefix(v, "TB_WG_") }); i >= 0 {
		t.Errorf("version 1 of the contract has %s", left[i])
	}
}

// A device that carries streams is told where to accept and where to connect to, and of no interface.
func TestEnvironmentOfStreams(t *testing.T) {
	t.Parallel()
	for ipv6, want := range map[bool][2]string{false: {"198.18.0.1:5001", "198.19.0.2:5001"}, true: {"[2001:2::1]:5001", "[2001:2:0:100::2]:5001"}} {
		for _, s := range sides {
			got := variables(Env{MTU: 1500, IPv6: ipv6}.environment(s, end{contract: contract1, carries: Streams}))
			if diff := cmp.Diff([]string{Streams, want[0], want[1]}, []string{got["TB_CARRIES"], got["TB_LISTEN"], got["TB_TARGET"]}); diff != "" {
				t.Error(diff)
			}
			for _, key := range []string{"TB_DEV", "TB_MTU", "TB_INNER", "TB_NETS6"} {
				if value, has := got[key]; has {
					t.Errorf("%s=%s: there is no interface", key, value)
				}
			}
		}
	}
	if got := variables(Env{}.environment(sides[0], end{contract: contract1})); got["TB_CARRIES"] != Packets || got["TB_LISTEN"] != "" {
		t.Errorf("a device that carries packets: %v", got)
	}
}

// Frames are for devices that carry packets.
func TestProbeFrames(t *testing.T) {
	t.Parallel()
	for carries, unsupported := range map[string]bool{"": false, Packets: false, Streams: true} {
		if err := (Tunnel{Probe: probeNothing, Carries: carries}).ProbeFrames(t.Context()); errors.Is(err, errors.ErrUnsupported) != unsupported {
			t.Errorf("%q: %v", carries, err)
		}
	}
}

// In version 2 of the contract the peer of each side is the other side, and the preshared key is
// there only if there is one.
func TestWireGuardEnvironment(t *testing.T) {
	t.Parallel()
	shared := wireguard.PresharedKey{9}
	endpoint := netip.MustParseAddrPort("192.0.2.9:9")
	for _, c := range []struct {
		name        string
		b           Env
		left, right []string // of endpoint and preshared key
	}{
		{"as usual", Env{Run: "r"}, []string{"192.0.2.2:51820", ""}, []string{"192.0.2.1:51820", ""}},
		{"IPv6 underlay", Env{Run: "r", Underlay6: true}, []string{"[2001:2:0:ffff::2]:51820", ""}, []string{"[2001:2:0:ffff::1]:51820", ""}},
		{"a preshared key and another way", Env{Run: "r", WireGuard: map[string]WireGuard{netns.Left: {Preshared: shared, Endpoint: endpoint}}},
			[]string{"192.0.2.9:9", shared.Base64()}, []string{"192.0.2.1:51820", ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			left := variables(c.b.environment(sides[0], end{contract: contract2}))
			right := variables(c.b.environment(sides[1], end{contract: contract2}))
			for _, side := range []struct {
				got, other map[string]string
				want       []string
			}{{left, right, c.left}, {right, left, c.right}} {
				if diff := cmp.Diff(side.want, []string{side.got["TB_WG_ENDPOINT"], side.got["TB_WG_PRESHARED_KEY"]}); diff != "" {
					t.Error(diff)
				}
				own, err := wireguard.ParseKey[wireguard.PrivateKey](side.other["TB_WG_PRIVATE_KEY"])
				if err != nil {
					t.Fatal(err)
				}
				if peer := side.got["TB_WG_PEER_PUBLIC_KEY"]; own.Public().String() != peer {
					t.Errorf("the peer's public key is %s, that of the other side's private key %s", peer, own.Public())
				}
				if side.got["TB_WG_PORT"] != "51820" || side.got["TB_CONTRACT"] != "2" {
					t.Errorf("port %q, contract %q", side.got["TB_WG_PORT"], side.got["TB_CONTRACT"])
				}
			}
			if left["TB_WG_PRIVATE_KEY"] == right["TB_WG_PRIVATE_KEY"] {
				t.Error("both sides have the same key")
			}
		})
	}
}

func variables(env []string) map[string]string {
	all := map[string]string{}
	for _, v := range env {
		key, value, _ := strings.Cut(v, "=")
		all[key] = value
	}
	return all
}
