package offload

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tunnelbench/tunnelbench/reference/inner"
)

func TestWhatIsNotMerged(t *testing.T) {
	t.Parallel()
	payload, longer := make([]byte, 100), make([]byte, 101)
	cases := []struct {
		name   string
		udp    bool
		change func(f *flowOf)
		bend   func(p []byte) // changes the second packet without correcting its checksums
		second []byte
	}{
		{"a gap in the ids", true, func(f *flowOf) { f.id++ }, nil, payload},
		{"another ttl", true, func(f *flowOf) { f.ttl = 11 }, nil, payload},
		{"a longer one", true, nil, nil, longer},
		{"an empty one", true, nil, nil, nil},
		{"another flow", true, func(f *flowOf) { f.port++ }, nil, payload},
		{"a gap in the sequence", false, func(f *flowOf) { f.sequence++ }, nil, payload},
		{"FIN", false, func(f *flowOf) { f.flags = "FIN" }, nil, payload},
		{"options", false, func(f *flowOf) { f.options = kinds()[4].options }, nil, payload},
		{"a damaged payload", true, nil, func(p []byte) { p[len(p)-1] ^= 1 }, payload},
		{"a damaged payload of TCP", false, nil, func(p []byte) { p[len(p)-1] ^= 1 }, payload},
		{"no checksum", true, nil, func(p []byte) { p[26], p[27] = 0, 0 }, payload},
		{"type of service", true, nil, func(p []byte) { p[1] = 4 }, payload},
		{"do not fragment", true, nil, func(p []byte) { p[6] = 0x40 }, payload},
		{"a fragment", true, nil, func(p []byte) { p[6] = 0x20 }, payload},
		{"a length that lies", true, nil, func(p []byte) { p[3]-- }, payload},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := flowOf{udp: c.udp, port: 5}
			packets := [][]byte{f.next(t, payload)}
			if c.change != nil {
				c.change(&f)
			}
			packets = append(packets, f.next(t, c.second))
			if c.bend != nil {
				c.bend(packets[1])
			}
			supers := merged(packets)
			if len(supers) != 2 {
				t.Errorf("merged")
			} else if got := split(t, supers); !slices.EqualFunc(got, packets, bytes.Equal) {
				t.Errorf("changed")
			}
		})
	}
}

// TestMergeSurvivesALyingHeader checks that the Merger does not read ports at an IP header length beyond
// the end of the packet.
func TestMergeSurvivesALyingHeader(t *testing.T) {
	f := flowOf{port: 1}
	whole := f.next(t, []byte("abc"))
	liar := slices.Clone(whole[:inner.MinIPv4])
	liar[0], liar[2], liar[3] = 0x4f, 0, inner.MinIPv4
	if supers := merged([][]byte{liar, whole, liar, whole}); len(supers) != 4 {
		t.Errorf("%d super-packets, want 4", len(supers))
	}
}

func TestMergeEndsARun(t *testing.T) {
	payload := make([]byte, 100)
	for name, end := range map[string]func(f *flowOf) []byte{
		"a shorter one": func(f *flowOf) []byte { return f.next(t, payload[:50]) },
		"PSH":           func(f *flowOf) []byte { f.flags = "PSH"; defer func() { f.flags = "" }(); return f.next(t, payload) },
	} {
		f := flowOf{port: 5}
		packets := [][]byte{f.next(t, payload), f.next(t, payload), end(&f), f.next(t, payload), f.next(t, payload)}
		supers := merged(packets)
		if len(supers) != 2 || supers[0].Packets != 3 || supers[1].Packets != 2 {
			t.Errorf("%s: %d runs", name, len(supers))
		}
		if got := split(t, supers); !slices.EqualFunc(got, packets, bytes.Equal) {
			t.Errorf("%s: changed", name)
		}
	}
}

// TestMergeKeepsTheOrderOfAFlow joins packets of many flows, with every kind of interruption.
func TestMergeKeepsTheOrderOfAFlow(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 300 {
		flows := make([]flowOf, 1+rng.IntN(12))
		for i := range flows {
			flows[i] = kinds()[rng.IntN(4)]
			flows[i].port = uint16(i)
		}
		var packets [][]byte
		for range MergeMax {
			f := &flows[rng.IntN(len(flows))]
			if rng.IntN(10) == 0 {
				f.ttl = uint8(10 + rng.IntN(3))
			}
			packets = append(packets, f.next(t, random(rng, 50+50*rng.IntN(3))))
		}
		if at := rng.IntN(len(packets)); rng.IntN(2) == 0 {
			packets[at][len(packets[at])-1] ^= 1
		}
		got := split(t, merged(packets))
		for port := range flows {
			of := func(all [][]byte) (mine [][]byte) {
				for _, p := range all {
					if tr, ok := parseTransport(p); ok && binary.BigEndian.Uint16(p[tr.ipLen:]) == uint16(port) {
						mine = append(mine, p)
					}
				}
				return mine
			}
			if !slices.EqualFunc(of(got), of(packets), bytes.Equal) {
				t.Fatalf("the packets of flow %d have changed", port)
			}
		}
		if len(got) != len(packets) {
			t.Fatalf("%d packets became %d", len(packets), len(got))
		}
	}
}

func BenchmarkMerge(b *testing.B) {
	f := flowOf{port: 1}
	var packets, work [][]byte
	for range MergeMax {
		packets = append(packets, f.next(b, make([]byte, 900)))
		work = append(work, make([]byte, len(packets[0])))
	}
	m := new(Merger)
	for b.Loop() {
		m.Reset()
		for i, p := range packets {
			copy(work[i], p)
			m.Add(work[i])
		}
		m.Supers()
	}
}
