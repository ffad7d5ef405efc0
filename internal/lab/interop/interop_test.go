package interop

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/reports/interop"
)

// The lengths have every remainder modulo 16 at the bottom, in the middle and at the top, and both limits.
func TestInnerSizes(t *testing.T) {
	t.Parallel()
	for version, least := range map[int]int{4: 20, 6: 40} {
		sizes := innerSizes(version)
		if slices.Min(sizes) != least || slices.Max(sizes) != innerMTU {
			t.Errorf("IPv%d: from %d to %d, want %d to %d", version, slices.Min(sizes), slices.Max(sizes), least, innerMTU)
		}
		for _, part := range [][2]int{{0, 128}, {128, 1000}, {1000, innerMTU + 1}} {
			seen := map[int]bool{}
			for _, size := range sizes {
				if size >= part[0] && size < part[1] {
					seen[size%16] = true
				}
				if p := packetOf(version, size); p.size() != size || p.kind.version != version {
					t.Fatalf("IPv%d: a packet of %d bytes has %d, of %s", version, size, p.size(), p.kind.network)
				}
			}
			if len(seen) != 16 {
				t.Errorf("IPv%d: lengths from %d to %d have %d remainders", version, part[0], part[1], len(seen))
			}
		}
	}
}

func TestPayload(t *testing.T) {
	t.Parallel()
	for _, length := range []int{0, 1, 7, 8, 9, 64, 1472} {
		if got := payload(3, length); len(got) != length {
			t.Errorf("%d bytes have %d", length, len(got))
		}
	}
	if slices.Equal(payload(1, 8), payload(2, 8)) {
		t.Error("two packets are the same")
	}
}

// An end may call as soon as it is up: the road holds the side back that is not to call before the ends are started.
func TestRoadHoldsBackFromTheStart(t *testing.T) {
	t.Parallel()
	for _, l := range []layout{{caller: left}, {caller: right}, {crossing: true}} {
		r := newRoad(nil, l)
		for side := range r.mouths {
			r.mouths[side].conn = new(net.UDPConn)
		}
		first := r.note(1-l.caller, r.mouths[1-l.caller].conn, []byte{initiation})
		second := r.note(l.caller, r.mouths[l.caller].conn, []byte{response})
		if first != nil || second == nil {
			t.Errorf("%+v: the first initiation of the %s end is passed on: %t; a response of the other: %t", l, sideNames[1-l.caller], first != nil, second != nil)
		}
		if n := r.messages(1-l.caller, initiation); n != 1 {
			t.Errorf("%+v: %d initiations counted, want 1", l, n)
		}
	}
}

// Each cell has its place in the report, whatever the order of their ends; those that did not end have no verdict.
func TestCells(t *testing.T) {
	t.Parallel()
	ends, err := ParseEnds([]string{"wireguard-go", "reference-wg-xdp"})
	if err != nil {
		t.Fatal(err)
	}
	var seen []string
	p := Plan{Ends: ends, Only: []string{"sizes", "psk"}, OnCell: func(done, all int, c interop.Cell) { seen = append(seen, fmt.Sprint(done, " of ", all, " ", c.Check)) }}
	r := &interop.Report{}
	cells := p.Fill(r)
	cells.Note(interop.Cell{Left: "reference-wg-xdp", Right: "wireguard-go", Check: "psk", Outcome: interop.Failed, Why: "lost"})
	cells.Note(interop.Cell{Left: "wireguard-go", Right: "wireguard-go", Check: "sizes", Outcome: interop.Passed})
	cells.Note(interop.Cell{Left: "wireguard-go", Right: "vxlan", Check: "sizes", Outcome: interop.Passed})
	if diff := cmp.Diff([]string{"1 of 8 psk", "2 of 8 sizes"}, seen); diff != "" {
		t.Error(diff)
	}
	if len(r.Cells) != 8 || r.Cells[0].Outcome != interop.Passed || r.Cells[5].Outcome != interop.Failed || r.Count(interop.NoVerdict) != 6 {
		t.Errorf("%+v", r.Cells)
	}
	if _, err := r.Encode(); err != nil {
		t.Error(err)
	}
}

// A mouth faces its end in its own family.
func TestMouthFacesItsFamily(t *testing.T) {
	t.Parallel()
	for _, at := range []netip.AddrPort{mouths[left], mouths[right], otherPort, otherAddress, ipv6} {
		l, r := end(left, at), end(right, at)
		if l.Addr().Is4() != at.Addr().Is4() || r.Addr().Is4() != at.Addr().Is4() || l == r {
			t.Errorf("from %v the ends are %v and %v", at, l, r)
		}
	}
	if otherPort == mouths[left] || otherPort == mouths[right] || ipv6.Addr().Is4() {
		t.Errorf("%v and %v are no other places than %v", otherPort, ipv6, mouths)
	}
}

func TestOutcome(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		name string
		ctx  context.Context
		err  error
		want interop.Outcome
		why  string
	}{
		{"passed", t.Context(), nil, interop.Passed, ""},
		{"failed, one line", t.Context(), errors.New("a\nb  c"), interop.Failed, "a b c"},
		{"unsupported", t.Context(), fmt.Errorf("no: %w", errors.ErrUnsupported), interop.Unsupported, "no: unsupported operation"},
		{"interrupted", ended, errors.New("x"), interop.NoVerdict, "x"},
		{"the tester failed", t.Context(), fmt.Errorf("%w", testerError{errors.New("no veth")}), interop.NoVerdict, "no veth"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, why := outcome(c.ctx, c.err)
			if got != c.want || why != c.why {
				t.Errorf("%s, %q, want %s, %q", got, why, c.want, c.why)
			}
		})
	}
}

func TestParseEnds(t *testing.T) {
	t.Parallel()
	ends, err := ParseEnds([]string{"wireguard-go:gomaxprocs=2", "reference-wg-xdp"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"wireguard-go:gomaxprocs=2", "reference-wg-xdp"}, []string{ends[0].Spec, ends[1].Spec}); diff != "" {
		t.Error(diff)
	}
	for spec, want := range map[string]string{
		"vxlan": "cannot be one side of a pair", "reference": "both sides have to speak the same", "nothing": "unknown", "wireguard-go": "comes twice",
	} {
		_, err := ParseEnds([]string{"wireguard-go", spec})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want one line with %q", spec, err, want)
		}
	}
}
