package sealed

import (
	"bytes"
	"os"
	"testing"

	"github.com/tunnelbench/tunnelbench/fuzz/oracle"
)

// native runs a harness as a target of `go test -fuzz`. OSS-Fuzz builds its programs from the same
// functions, but calls them once for each input and supplies seeds in another way.
func native(f *testing.F, harness func([]byte) int, seeds func() [][]byte) {
	if testing.Testing() && os.Getenv("TB_FUZZ_SEEDS") != "off" { // a campaign's corpus already has the seeds that pass
		for _, seed := range seeds() {
			f.Add(seed)
		}
	}
	attack := oracle.Harness(harness)
	f.Fuzz(func(_ *testing.T, data []byte) { attack(data) })
}

func FuzzDatagram(f *testing.F)   { native(f, Datagram, DatagramSeeds) }
func FuzzMutate(f *testing.F)     { native(f, Mutate, MutateSeeds) }
func FuzzWindow(f *testing.F)     { native(f, Window, WindowSeeds) }
func FuzzAllowedIPs(f *testing.F) { native(f, AllowedIPs, AllowedIPsSeeds) }
func FuzzInner(f *testing.F)      { native(f, Inner, InnerSeeds) }
func FuzzQuick(f *testing.F)      { native(f, Quick, QuickSeeds) }
func FuzzProgram(f *testing.F)    { native(f, Program, ProgramSeeds) }

// TestSeedsAreAccepted: most oracles check only accepted input.
func TestSeedsAreAccepted(t *testing.T) {
	for name, c := range map[string]struct {
		harness func([]byte) int
		seeds   [][]byte
		least   int
	}{
		"datagram": {Datagram, DatagramSeeds(), 12}, "mutate": {Mutate, MutateSeeds(), 24}, "program": {Program, ProgramSeeds(), 20}, "window": {Window, WindowSeeds(), 9},
		"allowedips": {AllowedIPs, AllowedIPsSeeds(), 4}, "inner": {Inner, InnerSeeds(), 17}, "quick": {Quick, QuickSeeds(), 3},
	} {
		t.Run(name, func(t *testing.T) {
			accepted := 0
			for _, seed := range c.seeds {
				accepted += c.harness(oracle.Exact(seed))
			}
			if accepted < c.least {
				t.Errorf("%d seeds are accepted, want %d", accepted, c.least)
			}
		})
	}
}

// A scene that is made again is as the first one, and takes all its messages.
func TestScenesAreEqual(t *testing.T) {
	first := firstScene()
	for kind, message := range first.fresh {
		s := newScene()
		if got := s.observe(); got != first.state {
			t.Fatalf("%+v, want %+v", got, first.state)
		}
		if !bytes.Equal(s.fresh[kind], message) {
			t.Errorf("message %d is another", kind)
		}
		s.works(kind)
	}
	if got := first.observe(); got != first.state {
		t.Errorf("the first scene has changed: %+v, was %+v", got, first.state)
	}
}

// BenchmarkMutate is what an input of wg-mutate costs.
func BenchmarkMutate(b *testing.B) {
	seeds := MutateSeeds()
	for i := 0; b.Loop(); i++ {
		Mutate(seeds[i%len(seeds)])
	}
}
