package field

import (
	"cmp"
	"context"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/tunnelbench/tunnelbench/internal/installation"
	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/netns/dut/role"
	"github.com/tunnelbench/tunnelbench/recipes"
	"github.com/tunnelbench/tunnelbench/reports/field"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

// Device is a device of the field, and what is known of it.
type Device struct {
	dut.Device
	About field.About
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

// Recipes returns the devices of other people's tunnels: every variant of a recipe that is installed, and the default one of each
// other recipe, for the row that says how to install it.
func Recipes(ctx context.Context) (names []string, err error) {
	all, err := recipes.All()
	if err != nil {
		return nil, err
	}
	for _, r := range all {
		variants := r.Variants
		if !installation.Usual.Of(ctx, r).Installed() {
			variants = variants[:1]
		}
		for _, v := range variants {
			names = append(names, r.Device(v))
		}
	}
	return names, nil
}

// Describe returns the device with what is known of it. version is this program's own.
func Describe(ctx context.Context, d dut.Device, version string) Device {
	d.Carries = cmp.Or(d.Carries, dut.Packets)
	out := Device{d, field.About{Text: d.Doc, Cipher: d.Seals, Book: d.Overhead, Cannot: []string{}}}
	name, isRecipe := strings.CutPrefix(d.Name, recipes.Prefix)
	r, err := recipes.Find(name)
	switch {
	case isRecipe && err == nil:
		out.describeRecipe(ctx, r)
	case d.Builtin:
		out.describeOwn(version)
	case !d.HasProcesses():
		_, kernel := lab.Machine()
		out.describeOwn("Linux " + kernel)
		out.About.Language, out.About.Licence = "C (kernel)", "GPL-2.0"
	}
	return out
}

// describeOwn fills in what is known of a tunnel of this program.
func (d *Device) describeOwn(version string) {
	own := owners[d.Name]
	d.About.Language, d.About.Licence, d.About.Home = "Go", "MIT", own.home
	d.About.Carrier, d.About.Version = cmp.Or(own.carrier, "UDP"), cmp.Or(moduleVersion(own.module), version)
	if d.Kind == dut.Sealed {
		d.About.Cipher = "chacha20-poly1305" // WireGuard has no other
	}
}

// describeRecipe fills in what a recipe says, and what version of it this machine has.
func (d *Device) describeRecipe(ctx context.Context, r recipes.Recipe) {
	a := &d.About
	a.Recipe, a.Home, a.Licence, a.Language, a.Cannot = r.Name, r.Home, r.Licence, r.Language, append(a.Cannot, r.Cannot...)
	a.Version, a.Install = installation.Usual.Of(ctx, r).Version, "tunnelbench recipes install "+r.Name
	for _, v := range r.Variants {
		if name := r.Device(v); d.Spec == name || strings.HasPrefix(d.Spec, name+":") {
			a.Carrier, a.Language = v.Carrier, cmp.Or(v.Language, r.Language)
		}
	}
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
