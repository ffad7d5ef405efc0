package live

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/fuzz/live/mutate"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Sender is the source that an attacker claims.
type Sender string

// The senders.
const (
	Unknown Sender = "unknown" // an address that belongs to neither end
	Spoofed Sender = "spoofed" // the other end's address and port
	Forger  Sender = "forger"  // as Spoofed, but some mutants are valid in every field
)

// formerUnknown is the former name of Unknown, which is still accepted.
const formerUnknown = "stranger"

// ParseSenders parses a list such as unknown,spoofed.
func ParseSenders(list string) (senders []Sender, err error) {
	for word := range strings.SplitSeq(list, ",") {
		s := Sender(word)
		if word == formerUnknown {
			s = Unknown
		}
		if !slices.Contains([]Sender{Unknown, Spoofed, Forger}, s) || slices.Contains(senders, s) {
			return nil, fmt.Errorf("%q: want unknown, spoofed and forger, each at most once", list)
		}
		senders = append(senders, s)
	}
	return senders, nil
}

// Plan describes an attack, which is the same for every device.
type Plan struct {
	Senders []Sender          // in turn
	Kind    mutate.Kind       // of most mutants; 0: the device's protocol
	Seed    uint64            // of the stream of mutants
	First   uint64            // number of the first mutant in the stream
	Rate    rfc2544.Rate      // of mutants
	Size    rfc2544.FrameSize // of the legitimate flow
	// Share, if above 0, sets the legitimate load as a share of the device's forwarding rate; otherwise Load applies.
	Share     float64
	Load      rfc2544.Rate
	Duration  time.Duration // of all trials together
	Tolerance float64       // by which the median loss under attack may exceed the highest quiet loss; 0: DefaultTolerance
}

// DefaultTolerance is 0.2 % of the frames.
const DefaultTolerance = 0.002

// For returns the plan for one device: without a Kind, mutants follow the device's protocol.
func (p Plan) For(d dut.Device) Plan {
	if p.Kind != 0 {
		return p
	}
	p.Kind = mutate.Any
	if kind, err := mutate.ParseKind(d.Protocol); err == nil {
		p.Kind = kind
	}
	return p
}

// mutants returns the stream of mutants for a path.
func (p Plan) mutants(path mutate.Path) *mutate.Stream { return mutate.New(p.Seed, p.Kind, path) }

// The trials of an attack.
const (
	minPairs      = 3               // of a quiet and an attacked trial
	maxTrial      = 3 * time.Second // longer trials show nothing more
	minTrial      = 250 * time.Millisecond
	maxAttempts   = 3        // at a valid trial
	maxMutantRoom = 64 << 20 // bytes of all mutants of a trial
	mutantRoom    = 320      // bytes of one mutant, on average at most
)

// schedule returns the length of a trial and the number of pairs. One more quiet trial comes before all
// pairs, before any attack, and one after them.
func (p Plan) schedule() (trial time.Duration, pairs int) {
	const fewest = 2*minPairs + 2
	trial = min(p.Duration/fewest, maxTrial)
	if fits := time.Duration(maxMutantRoom / mutantRoom / float64(p.Rate) * float64(time.Second)); fits < trial {
		trial = fits
	}
	trial = max(trial, minTrial)
	return trial, max(minPairs, int((p.Duration-2*trial)/(2*trial)))
}
