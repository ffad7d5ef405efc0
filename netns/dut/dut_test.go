package dut

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for spec, want := range map[string]map[string]string{
		"vxlan": {}, "wire": {}, "reference": {},
		"reference:gso=off":        {"gso": "off"},
		"reference:gso=off,gro=on": {"gso": "off", "gro": "on"},
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
	b := Env{CPUs: []int{2, 3}, MTU: 1500, Run: "r", Dir: "/d", Params: map[string]string{"gso": "off"}}
	left, right := b.environment(sides[0]), b.environment(sides[1])
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
}
