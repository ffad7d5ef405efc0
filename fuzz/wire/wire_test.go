package wire

import (
	"bytes"
	"math/rand/v2"
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

func FuzzHeader(f *testing.F)         { native(f, Header, HeaderSeeds) }
func FuzzInner(f *testing.F)          { native(f, Inner, InnerSeeds) }
func FuzzSplit(f *testing.F)          { native(f, Split, SplitSeeds) }
func FuzzMerge(f *testing.F)          { native(f, Merge, MergeSeeds) }
func FuzzWindow(f *testing.F)         { native(f, Window, WindowSeeds) }
func FuzzDecap(f *testing.F)          { native(f, Decap, DecapSeeds) }
func FuzzEnds(f *testing.F)           { native(f, Ends, EndsSeeds) }
func FuzzDescriptor(f *testing.F)     { native(f, Descriptor, DescriptorSeeds) }
func FuzzSignature(f *testing.F)      { native(f, Signature, SignatureSeeds) }
func FuzzGopacketVXLAN(f *testing.F)  { native(f, GopacketVXLAN, LayerSeeds) }
func FuzzGopacketGeneve(f *testing.F) { native(f, GopacketGeneve, LayerSeeds) }
func FuzzGopacketGRE(f *testing.F)    { native(f, GopacketGRE, LayerSeeds) }
func FuzzGopacketGTPU(f *testing.F)   { native(f, GopacketGTPU, LayerSeeds) }
func FuzzGopacketUDP(f *testing.F)    { native(f, GopacketUDP, LayerSeeds) }
func FuzzGopacketIPv4(f *testing.F)   { native(f, GopacketIPv4, LayerSeeds) }
func FuzzGopacketIPv6(f *testing.F)   { native(f, GopacketIPv6, LayerSeeds) }

// TestSeedsAreAccepted: most oracles check only accepted input.
func TestSeedsAreAccepted(t *testing.T) {
	for name, c := range map[string]struct {
		harness func([]byte) int
		seeds   [][]byte
		least   int
	}{
		"header": {Header, HeaderSeeds(), 4}, "inner": {Inner, InnerSeeds(), 16}, "split": {Split, SplitSeeds(), 5},
		"merge": {Merge, MergeSeeds(), 8}, "window": {Window, WindowSeeds(), 5}, "decap": {Decap, DecapSeeds(), 6},
		"ends": {Ends, EndsSeeds(), 4}, "descriptor": {Descriptor, DescriptorSeeds(), 3}, "signature": {Signature, SignatureSeeds(), 2},
		"gopacket IPv4": {GopacketIPv4, LayerSeeds(), 1}, "gopacket GRE": {GopacketGRE, LayerSeeds(), 2},
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

// BenchmarkReplay runs the harness without an engine on 4,096 inputs. Each is a seed with one or two bytes
// changed, so that the costly oracles sample some of them.
func BenchmarkReplay(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	var corpus [][]byte
	for seeds := HeaderSeeds(); len(corpus) < 4096; {
		data := bytes.Clone(seeds[rng.IntN(len(seeds))])
		for range 1 + rng.IntN(2) {
			if len(data) > 0 {
				data[rng.IntN(len(data))] = byte(rng.Uint32())
			}
		}
		corpus = append(corpus, data)
	}
	for i := 0; b.Loop(); i++ {
		Header(corpus[i%len(corpus)])
	}
}
