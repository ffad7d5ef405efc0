package dut

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tunnelbench/tunnelbench/internal/kv"
	"github.com/tunnelbench/tunnelbench/netns"
)

// The kinds of devices: only like is compared with like.
const (
	Calibration = "calibration" // no tunnel
	Plain       = "plain"       // encapsulates
	Sealed      = "sealed"      // encrypts and authenticates
)

// Tunnel is one kind of device under test.
type Tunnel struct {
	Order    int // place in lists: calibration devices come first
	Name     string
	Doc      string                               // one line
	Kind     string                               // Calibration, Plain or Sealed
	Protocol string                               // of its datagrams on the underlay: "reference", "vxlan", "wireguard"; empty: another or none
	Overhead int                                  // octets added to an inner IP packet on the underlay, outer IPv4 header included; 0 if unknown
	Params   map[string][]string                  // the parameters it takes, with the values each may have; nil: Check knows
	Check    func(values map[string]string) error // the parameters together; nil: nothing to check
	Scales   string                               // the parameter that makes so many tunnels of it; empty: it is one
	Builtin  bool                                 // a role of this program, which other builds of it have too
	// Network is where it is brought up; nil: netns.Dual.
	Network func(netns.Plan) netns.Topology
	// Probe returns nil when the tunnel can run here, else an error that wraps
	// errors.ErrUnsupported and says what is missing.
	Probe func(ctx context.Context) error
	// Up makes the tunnel in a network that is there; nil for the bare wire.
	Up func(ctx context.Context, b Env) (*Session, error)
}

// Env is what a tunnel is brought up in.
type Env struct {
	Net    *netns.Net
	CPUs   []int // the cores it may use
	MTU    int   // octets of the largest inner IP packet
	IPv6   bool  // inner packets are IPv6; IPv4 is carried all the same
	Run    string
	Dir    string // shared by both sides, gone afterwards
	Build  string // the program that has the role; empty: this one
	Params map[string]string
}

// Topology is the network that the tunnel is brought up in.
func (t Tunnel) Topology(p netns.Plan) netns.Topology {
	if t.Network == nil {
		return netns.Dual(p)
	}
	return t.Network(p)
}

// HasProcesses reports whether the tunnel runs in user space.
func (t Tunnel) HasProcesses() bool { return t.Builtin || strings.HasPrefix(t.Name, execPrefix) }

// Device is a tunnel with its parameters, as a user named it.
type Device struct {
	Tunnel
	Spec     string // as results call it
	Argument string // what Parse read: the spec, with the path of a program
	Build    string // the path of another build of this program; empty: this one
	Values   map[string]string
}

// execPrefix marks a tunnel that runs by the exec contract (docs/exec.md).
const execPrefix = "exec:"

// registered are the tunnels that come with the program.
var registered []Tunnel

// register adds a tunnel. Each tunnel's file calls it, so that a new tunnel is one file.
func register(t Tunnel) Tunnel {
	if slices.ContainsFunc(registered, func(other Tunnel) bool { return other.Name == t.Name }) {
		panic("dut: " + t.Name + " is registered twice")
	}
	registered = append(registered, t)
	return t
}

// All lists the tunnels that come with the program, calibration first.
func All() []Tunnel {
	return slices.SortedFunc(slices.Values(registered), func(a, b Tunnel) int {
		return cmp.Or(cmp.Compare(a.Order, b.Order), strings.Compare(a.Name, b.Name))
	})
}

// Parse reads NAME, NAME:key=value,..., NAME@BUILD with the path of another
// build of this program, or exec:PATH.
func Parse(spec string) (Device, error) {
	if err := plainText(spec); err != nil {
		return Device{}, fmt.Errorf("dut %w", err)
	}
	if path, ok := strings.CutPrefix(spec, execPrefix); ok {
		return parseExec(path)
	}
	name, params, hasParams := strings.Cut(spec, ":")
	name, build, hasBuild := strings.Cut(name, "@")
	tunnels := All()
	i := slices.IndexFunc(tunnels, func(t Tunnel) bool { return t.Name == name })
	if i < 0 {
		return Device{}, fmt.Errorf("dut %q: unknown: use %s or exec:PATH", spec, strings.Join(names(tunnels), ", "))
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

// plainText refuses what a terminal would obey: specs stand in errors and results.
func plainText(spec string) error {
	if !utf8.ValidString(spec) || strings.ContainsFunc(spec, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return fmt.Errorf("%q: has characters that cannot be printed: leave them out", spec)
	}
	return nil
}

// useBuild has another build of this program play the tunnel's role.
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

// parseExec checks what can be checked before anything is built.
func parseExec(path string) (Device, error) {
	abs, err := executable(path)
	if err != nil {
		return Device{}, fmt.Errorf("dut %q: %w", execPrefix+path, err)
	}
	t := Tunnel{
		Name: execPrefix + filepath.Base(abs), Doc: "a program of yours", Kind: Plain, Probe: probeNothing,
		Up: func(ctx context.Context, b Env) (*Session, error) { return b.start(ctx, abs) },
	}
	return Device{Tunnel: t, Spec: t.Name, Argument: execPrefix + path}, nil
}

// executable returns the absolute path of an executable file, or an error if there is none.
func executable(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(abs)
	switch {
	case err != nil:
		return "", fmt.Errorf("no such file: give the path of an executable")
	case info.IsDir() || info.Mode()&0o111 == 0:
		return "", fmt.Errorf("not executable: chmod +x it")
	}
	return abs, nil
}

func probeNothing(context.Context) error { return nil }

// Choices are the parameters and their values, as a list of devices shows them.
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

// Specs are the names of devices in results.
func Specs(devices []Device) (specs []string) {
	for _, d := range devices {
		specs = append(specs, d.Spec)
	}
	return specs
}
