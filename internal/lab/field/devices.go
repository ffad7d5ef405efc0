package field

import (
	"cmp"
	"runtime/debug"
	"slices"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/netns/dut/role"
	"github.com/tunnelbench/tunnelbench/reports/field"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

// Device is a device of the field, and what is known of it.
type Device struct {
	dut.Device
	About   field.About
	Carries string // field.Packets or field.Streams
}

// leftOut are tunnels of this program that nobody would choose, or that are another one under a second name.
var leftOut = []string{role.Naive, "reference-pool", "reference", "reference-wg"}

// BuiltIn returns the tunnels that this program knows by name, after the control.
func BuiltIn() (names []string) {
	names = []string{result.PlainDUT}
	for _, t := range dut.All() {
		if t.Kind != dut.Calibration && !slices.Contains(leftOut, t.Name) {
			names = append(names, t.Name)
		}
	}
	return names
}

// owners are facts of tunnels of this program that it cannot know otherwise.
var owners = map[string]struct{ module, home, carrier string }{
	role.WireGuardGo:          {"golang.zx2c4.com/wireguard", "https://git.zx2c4.com/wireguard-go", "UDP"},
	role.TailscaleWireGuardGo: {"github.com/tailscale/wireguard-go", "https://github.com/tailscale/wireguard-go", "UDP"},
	result.PlainDUT:           {carrier: "none"},
	"gre":                     {carrier: "IP"},
	"ipip":                    {carrier: "IP"},
}

// Describe returns the device with what this program knows of it. version is this program's own.
func Describe(d dut.Device, version string) Device {
	own := owners[d.Name]
	a := field.About{Text: d.Doc, Home: own.home, Cipher: d.Seals, Book: d.Overhead, Carrier: cmp.Or(own.carrier, "UDP"), Cannot: []string{}}
	switch {
	case d.Builtin:
		a.Language, a.Licence, a.Version = "Go", "MIT", cmp.Or(moduleVersion(own.module), version)
	case !d.HasProcesses():
		_, kernel := lab.Machine()
		a.Language, a.Licence, a.Version = "C (kernel)", "GPL-2.0", "Linux "+kernel
	default: // a script of the user
		a.Carrier = ""
	}
	if d.Kind == dut.Sealed {
		a.Cipher = cmp.Or(a.Cipher, "chacha20-poly1305") // WireGuard has no other
	}
	return Device{d, a, field.Packets}
}

// moduleVersion returns the version of a module in this program; empty if it is not known.
func moduleVersion(path string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok || path == "" {
		return ""
	}
	for _, m := range info.Deps {
		if m.Path == path {
			return m.Version
		}
	}
	return ""
}
