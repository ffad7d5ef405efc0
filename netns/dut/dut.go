package dut

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

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
	Name     string
	Doc      string              // one line
	Kind     string              // Calibration, Plain or Sealed
	Overhead int                 // octets added to an inner IP packet on the underlay, outer IPv4 header included; 0 if unknown
	Params   map[string][]string // the parameters it takes, with the values each may have
	// Probe returns nil when the tunnel can run here, else an error that wraps
	// errors.ErrUnsupported and says what is missing.
	Probe func(ctx context.Context) error
	// Up makes the tunnel in a network that is there; nil for the bare wire.
	Up func(ctx context.Context, b Bed) (*Session, error)
}

// Bed is what a tunnel is brought up in.
type Bed struct {
	Net    *netns.Net
	CPUs   []int // the cores it may use
	MTU    int   // octets of the largest inner IP packet
	Run    string
	Dir    string // shared by both sides, gone afterwards
	Params map[string]string
}

// Device is a tunnel with its parameters, as a user named it.
type Device struct {
	Tunnel
	Spec   string // as results call it
	Values map[string]string
}

// execPrefix marks a tunnel that nobody here wrote.
const execPrefix = "exec:"

// All lists the tunnels that come with the program, calibration first.
func All() []Tunnel {
	return []Tunnel{wire, plain, vxlan, wireguardGo, referenceTunnel}
}

// Parse reads NAME, NAME:key=value,... or exec:PATH.
func Parse(spec string) (Device, error) {
	if path, ok := strings.CutPrefix(spec, execPrefix); ok {
		return parseExec(path)
	}
	name, params, hasParams := strings.Cut(spec, ":")
	tunnels := All()
	i := slices.IndexFunc(tunnels, func(t Tunnel) bool { return t.Name == name })
	if i < 0 {
		return Device{}, fmt.Errorf("dut %q: unknown: use %s or exec:PATH", spec, strings.Join(names(tunnels), ", "))
	}
	d := Device{Tunnel: tunnels[i], Spec: spec, Values: map[string]string{}}
	if !hasParams {
		return d, nil
	}
	for pair := range strings.SplitSeq(params, ",") {
		key, value, ok := strings.Cut(pair, "=")
		if !ok || !slices.Contains(d.Params[key], value) {
			return Device{}, fmt.Errorf("dut %q: parameter %q: %s", spec, pair, d.paramHelp())
		}
		if _, twice := d.Values[key]; twice {
			return Device{}, fmt.Errorf("dut %q: parameter %q comes twice", spec, key)
		}
		d.Values[key] = value
	}
	return d, nil
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
		keys = append(keys, key+"="+strings.Join(values, "|"))
	}
	slices.Sort(keys)
	return "write " + strings.Join(keys, " or ")
}

// parseExec checks what can be checked before anything is built.
func parseExec(path string) (Device, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return Device{}, fmt.Errorf("dut %s%s: %w", execPrefix, path, err)
	}
	info, err := os.Stat(abs)
	switch {
	case err != nil:
		return Device{}, fmt.Errorf("dut %s%s: no such file: give the path of an executable", execPrefix, path)
	case info.IsDir() || info.Mode()&0o111 == 0:
		return Device{}, fmt.Errorf("dut %s%s: not executable: chmod +x it", execPrefix, path)
	}
	t := Tunnel{
		Name: execPrefix + filepath.Base(abs), Doc: "a program of yours", Kind: Plain, Probe: probeNothing,
		Up: func(ctx context.Context, b Bed) (*Session, error) { return b.start(ctx, abs) },
	}
	return Device{Tunnel: t, Spec: t.Name}, nil
}

func probeNothing(context.Context) error { return nil }
