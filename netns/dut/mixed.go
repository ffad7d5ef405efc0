package dut

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tunnelbench/tunnelbench/netns"
)

// mixedPrefix marks a pair whose sides run different programs of the same protocol.
const mixedPrefix = "mixed:"

// parseMixed reads left=DEVICE,right=DEVICE. Everything up to ",right=" belongs to the left device.
func parseMixed(text string) (Device, error) {
	fail := func(err error) (Device, error) { return Device{}, fmt.Errorf("dut %q: %w", mixedPrefix+text, err) }
	rest, ok := strings.CutPrefix(text, netns.Left+"=")
	leftSpec, rightSpec, both := strings.Cut(rest, ","+netns.Right+"=")
	if !ok || !both {
		return fail(errors.New("write mixed:left=DEVICE,right=DEVICE"))
	}
	left, err := Parse(leftSpec)
	if err != nil {
		return fail(err)
	}
	right, err := Parse(rightSpec)
	if err != nil {
		return fail(err)
	}
	d, err := Mix(left, right)
	if err != nil {
		return fail(err)
	}
	return d, nil
}

// Mix returns the device that has one program on the left and another one, of the same protocol, on the right.
func Mix(left, right Device) (Device, error) {
	protocol, err := commonProtocol(left, right)
	if err != nil {
		return Device{}, err
	}
	return mix(left, right, protocol), nil
}

// commonProtocol returns the protocol that both devices speak. A program of the user is taken at
// its word: that it takes WireGuard's keys, or that it speaks a protocol.
func commonProtocol(left, right Device) (string, error) {
	protocols := [2]string{}
	for i, d := range []Device{left, right} {
		switch {
		case d.end == nil:
			return "", fmt.Errorf("%s cannot be one side of a pair: it has no program or interface for each side", d.Spec)
		case d.Carries == Streams:
			return "", fmt.Errorf("%s carries streams, and a pair has to carry packets", d.Spec)
		case d.keyed:
			protocols[i] = wireGuardProtocol
		case d.theirs() && d.Protocol == "":
			return "", fmt.Errorf("%s does not say that it is an end of WireGuard, \"# tunnelbench: contract=2\", or of the reference tunnel, \"speaks=reference\" (docs/exec.md)", d.Spec)
		default:
			protocols[i] = d.Protocol
		}
	}
	if protocols[0] != protocols[1] {
		return "", fmt.Errorf("%s speaks %s and %s speaks %s: both sides have to speak the same", left.Spec, protocols[0], right.Spec, protocols[1])
	}
	l, r := left.Values[paramUnderlay], right.Values[paramUnderlay]
	// In WireGuard's format the lab tells an end without the parameter which address its peer has.
	if l != r && (protocols[0] != wireGuardProtocol || l != "" && r != "") {
		return "", fmt.Errorf("%s=%s on the left and %s on the right: there is one underlay", paramUnderlay, cmp.Or(l, "4"), cmp.Or(r, "4"))
	}
	return protocols[0], nil
}

// mix is Mix for two devices of a protocol.
func mix(left, right Device, protocol string) Device {
	spec := func(l, r string) string {
		return mixedPrefix + netns.Left + "=" + l + "," + netns.Right + "=" + r
	}
	t := Tunnel{
		Name: "mixed", Doc: left.Spec + " on the left, " + right.Spec + " on the right", Kind: left.Kind, Seals: left.Seals,
		Protocol: protocol, Overhead: max(left.Overhead, right.Overhead), Modules: slices.Concat(left.Modules, right.Modules),
		Sides: []Device{left, right}, upTimeout: max(left.UpTimeout(), right.UpTimeout()),
		Probe: func(ctx context.Context) error {
			if err := left.Probe(ctx); err != nil {
				return fmt.Errorf("left: %w", err)
			}
			if err := right.Probe(ctx); err != nil {
				return fmt.Errorf("right: %w", err)
			}
			return nil
		},
	}
	if protocol == wireGuardProtocol {
		t.Kind = Sealed
	}
	t.Up = t.upMixed
	return Device{Tunnel: t, Spec: spec(left.Spec, right.Spec), Argument: spec(left.Argument, right.Argument), Values: map[string]string{}}
}

// upMixed brings up the device of each side on its side.
func (t Tunnel) upMixed(ctx context.Context, b Env) (*Session, error) {
	b.upTimeout = t.upTimeout
	var ends [2]end
	for _, d := range t.Sides {
		b.Underlay6 = b.Underlay6 || d.Values[paramUnderlay] == "6"
		b.moreTime += d.moreTime()
	}
	for i, d := range t.Sides {
		of := b
		of.Build, of.Params = d.Build, d.Values
		e, err := d.end(of)
		if err != nil {
			return nil, err
		}
		ends[i] = e
	}
	return b.start(ctx, ends)
}
