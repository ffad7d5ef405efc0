package dut

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/tunnelbench/tunnelbench/internal/execfile"
	"github.com/tunnelbench/tunnelbench/internal/kv"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/recipes"
)

// The kinds of devices. Only devices of the same kind are compared with each other.
const (
	Calibration = "calibration" // devices without a tunnel
	Plain       = "plain"       // tunnels that encapsulate without encryption
	Sealed      = "sealed"      // tunnels that encrypt and authenticate
)

// What a device carries.
const (
	Packets = recipes.Packets // IP packets, through an interface on each side
	Streams = recipes.Streams // TCP connections, from a listener on the left to a target on the right
)

// Tunnel describes a type of device under test, such as vxlan.
type Tunnel struct {
	Order    int // position in lists; calibration devices come first
	Name     string
	Doc      string                               // one line
	Kind     string                               // Calibration, Plain or Sealed
	Carries  string                               // Packets or Streams; empty: Packets
	Seals    string                               // the cipher, as a program of the user says; empty for all others
	Protocol string                               // datagram format on the underlay, such as "vxlan"; empty: unknown or none
	Overhead int                                  // bytes added to an inner IP packet, including the outer IPv4 header; 0 if unknown
	Params   map[string][]string                  // the allowed values of each parameter; nil values: Check decides
	Check    func(values map[string]string) error // checks the combination of parameters; nil: no check
	Scales   string                               // the parameter that sets the number of tunnels; empty: always one
	Builtin  bool                                 // this program, or another build of it, runs the tunnel
	Modules  []string                             // kernel modules that it needs besides veth and tun
	// Network returns the topology that the tunnel needs. If Network is nil, the tunnel uses
	// netns.Dual.
	Network func(netns.Plan) netns.Topology
	// Probe returns nil if the tunnel can run on this machine. Otherwise it returns an error that
	// wraps errors.ErrUnsupported and names what is missing.
	Probe func(ctx context.Context) error
	// Up starts the tunnel in a network that already exists. Up is nil for the device wire.
	Up func(ctx context.Context, b Env) (*Session, error)

	Sides     []Device      // of a mixed pair: what runs on the left and what on the right; empty for all others
	upTimeout time.Duration // 0: DefaultUpTimeout
	// end returns what one side of the tunnel is made of. It is nil for a tunnel that is not made of two
	// ends which could be chosen one by one.
	end   func(b Env) (end, error)
	keyed bool // a program of the user that takes the keys of WireGuard (version 2 of the contract)
}

// Env is the environment in which a tunnel is started.
type Env struct {
	Net    *netns.Net
	CPUs   []int  // the cores that the tunnel may use
	MTU    int    // size of the largest inner IP packet in bytes
	IPv6   bool   // the test traffic is IPv6; the tunnel must carry IPv4 as well
	Run    string // identifier of the run
	Dir    string // directory that both sides share; removed after the run
	Build  string // path of the program that runs a built-in tunnel; empty: this program
	Params map[string]string

	Underlay6 bool                 // of tunnels in WireGuard's format: the underlay is IPv6
	WireGuard map[string]WireGuard // of such tunnels, by side: what is not as usual

	upTimeout time.Duration // 0: DefaultUpTimeout
	moreTime  string        // how to give it more, as the end of an error
}

// Topology returns the network in which the tunnel is started.
func (t Tunnel) Topology(p netns.Plan) netns.Topology {
	if t.Network == nil {
		return netns.Dual(p)
	}
	return t.Network(p)
}

// HasProcesses reports whether the tunnel, or a side of it, runs in user space.
func (t Tunnel) HasProcesses() bool {
	return t.Builtin || t.theirs() || slices.ContainsFunc(t.Sides, Device.HasProcesses)
}

// ProbeFrames is Probe for measurements with frames, which only devices that carry packets forward.
func (t Tunnel) ProbeFrames(ctx context.Context) error {
	if t.Carries == Streams {
		return fmt.Errorf("%w: it carries streams, and this takes packets: use trial --stream, run --streams or ab --metrics stream_goodput", errors.ErrUnsupported)
	}
	return t.Probe(ctx)
}

// Device is a tunnel and its parameters, as the user specified them.
type Device struct {
	Tunnel
	Spec     string // name in the results, such as "exec:vxlan.sh"
	Argument string // the text that Parse read, such as "exec:/home/u/vxlan.sh"
	Build    string // path of another build of this program; empty: this program
	Values   map[string]string
}

// registered holds the tunnels that this program knows by name.
var registered []Tunnel

// register adds a tunnel. Each tunnel calls register in its own file.
func register(t Tunnel) Tunnel {
	if slices.ContainsFunc(registered, func(other Tunnel) bool { return other.Name == t.Name }) {
		panic("dut: " + t.Name + " is registered twice")
	}
	if t.end != nil {
		t.Up = t.upBoth
	}
	registered = append(registered, t)
	return t
}

// All returns the tunnels that this program knows by name, sorted by Order and Name.
func All() []Tunnel {
	return slices.SortedFunc(slices.Values(registered), func(a, b Tunnel) int {
		return cmp.Or(cmp.Compare(a.Order, b.Order), strings.Compare(a.Name, b.Name))
	})
}

// Parse reads a device: NAME, NAME:key=value,..., NAME@BUILD, exec:PATH, exec:PATH:key=value,...,
// recipe:NAME, recipe:NAME/VARIANT:key=value,... or mixed:left=DEVICE,right=DEVICE.
// BUILD is the path of another build of this program. PATH is the path of an executable that follows
// docs/exec.md.
func Parse(spec string) (Device, error) {
	if err := plainText(spec); err != nil {
		return Device{}, fmt.Errorf("dut %w", err)
	}
	if path, ok := strings.CutPrefix(spec, execPrefix); ok {
		return parseExec(path)
	}
	if name, ok := strings.CutPrefix(spec, recipes.Prefix); ok {
		return parseRecipe(name)
	}
	if pair, ok := strings.CutPrefix(spec, mixedPrefix); ok {
		return parseMixed(pair)
	}
	name, params, hasParams := strings.Cut(spec, ":")
	name, build, hasBuild := strings.Cut(name, "@")
	tunnels := All()
	i := slices.IndexFunc(tunnels, func(t Tunnel) bool { return t.Name == name })
	if i < 0 {
		return Device{}, fmt.Errorf("dut %q: unknown: use %s, mixed:left=..,right=.., recipe:NAME or exec:PATH", spec, strings.Join(names(tunnels), ", "))
	}
	d := Device{Tunnel: tunnels[i], Spec: spec, Argument: spec, Values: map[string]string{}}
	if hasBuild {
		if err := d.useBuild(build); err != nil {
			return Device{}, fmt.Errorf("dut %q: %w", spec, err)
		}
	}
	if !hasParams {
		return d, d.check()
	}
	if err := d.setParams(params); err != nil {
		return Device{}, fmt.Errorf("dut %q: %w", spec, err)
	}
	return d, d.check()
}

// setParams reads key=value,key=value.
func (d *Device) setParams(list string) error {
	if len(d.Params) == 0 {
		return errors.New(d.paramHelp())
	}
	pairs, err := kv.Parse(list, slices.Sorted(maps.Keys(d.Params)))
	if err != nil {
		return fmt.Errorf("%w; %s", err, d.paramHelp())
	}
	for _, p := range pairs {
		if values := d.Params[p.Key]; values != nil && !slices.Contains(values, p.Value) {
			return fmt.Errorf("parameter %q: %s", p.Key+"="+p.Value, d.paramHelp())
		}
	}
	d.Values = pairs.Map()
	return nil
}

// plainText returns an error if spec contains characters that cannot be printed. Specs appear in
// errors and results, and a terminal would act on control characters.
func plainText(spec string) error {
	if !utf8.ValidString(spec) || strings.ContainsFunc(spec, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return fmt.Errorf("%q: has characters that cannot be printed: leave them out", spec)
	}
	if n := utf8.RuneCountInString(spec); n > longestSpec {
		return fmt.Errorf("%.40q...: has %d characters, at most %d: put the program at a shorter path, such as a link to it", spec, n, longestSpec)
	}
	return nil
}

// longestSpec is what results have room for as a device's name, where "exec:" or a number may be added.
const longestSpec = 240

// useBuild makes another build of this program run the tunnel.
func (d *Device) useBuild(path string) error {
	if !d.Builtin {
		return fmt.Errorf("%s is no part of this program: it has no builds", d.Name)
	}
	abs, err := executable(path)
	d.Build = abs
	return err
}

func (d Device) check() error {
	if d.Check == nil {
		return nil
	}
	if err := d.Check(d.Values); err != nil {
		return fmt.Errorf("dut %q: %w", d.Spec, err)
	}
	return nil
}

func names(tunnels []Tunnel) []string {
	out := make([]string, len(tunnels))
	for i, t := range tunnels {
		out[i] = t.Name
	}
	return out
}

func (t Tunnel) paramHelp() string {
	if len(t.Params) == 0 {
		return t.Name + " has no parameters"
	}
	var keys []string
	for key, values := range t.Params {
		if values == nil {
			values = []string{".."}
		}
		keys = append(keys, key+"="+strings.Join(values, "|"))
	}
	slices.Sort(keys)
	return "write " + strings.Join(keys, " or ")
}

// executable returns the absolute path of an executable file, or an error that says why it is none.
func executable(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return abs, execfile.Check(abs)
}

func probeNothing(context.Context) error { return nil }

// Choices returns the parameters and their values in the form of the device list:
// " (gso=on|off) (workers=..)".
func (t Tunnel) Choices() string {
	var text strings.Builder
	for _, key := range slices.Sorted(maps.Keys(t.Params)) {
		if t.Params[key] == nil {
			fmt.Fprintf(&text, " (%s=..)", key)
			continue
		}
		fmt.Fprintf(&text, " (%s=%s)", key, strings.Join(t.Params[key], "|"))
	}
	return text.String()
}

// Specs returns the names that the devices have in results.
func Specs(devices []Device) (specs []string) {
	for _, d := range devices {
		specs = append(specs, d.Spec)
	}
	return specs
}
