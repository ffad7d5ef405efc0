package suite

import (
	"fmt"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/rfc2544"
	"github.com/tunnelbench/tunnelbench/rfc2544/mlrsearch"
)

// Profile says how thoroughly a run measures.
type Profile struct {
	Name    string
	Goals   []mlrsearch.Goal
	Sums    int           // limit of one search, in duration sums of its goals; on a machine whose speed changes too fast it does not converge
	Latency time.Duration // of one latency trial
	Repeats int           // latency trials at each load

	// Rates are searched in rounds; each round brings every device up anew. The number of rounds is
	// Cells divided by the number of devices times sizes, from 1 to MostRounds. With 0 cells there is
	// one round.
	Cells, MostRounds int

	// Suite, if set, runs all tests of RFC 2544 instead of rate and latency as above.
	Suite     *rfc2544.Suite
	Direction string        // default direction; empty: forward
	Late      time.Duration // loss timeout; 0: lab.DefaultLossTimeout
	MaxFrames uint64        // of its longest trial; 0: lab.DefaultMaxFrames
	Tunnels   int           // number of tunnels for the scale test; 0: no scale test
}

// rounds returns the number of rounds for a number of cells (a cell is a device at a frame size).
func (p Profile) rounds(cells int) int {
	return max(1, min(p.MostRounds, p.Cells/max(1, cells)))
}

// limit returns the limit of one search.
func (p Profile) limit() (limit time.Duration) {
	for _, g := range p.Goals {
		limit += time.Duration(p.Sums) * g.Sum
	}
	return limit
}

// suites returns what is run of one cell: the profile's suite or, in rounds, rates and the latency.
func (p Profile) suites(cells int) []rfc2544.Suite {
	if p.Suite != nil {
		return []rfc2544.Suite{*p.Suite}
	}
	rate := rfc2544.SearchConfig{Goals: p.Goals, Limit: p.limit()}
	rounds := slices.Repeat([]rfc2544.Suite{{Tests: []rfc2544.Config{rate}}}, p.rounds(cells)-1)
	return append(rounds, rfc2544.Suite{Tests: []rfc2544.Config{rate, rfc2544.LatencyConfig{Trial: p.Latency, Repeats: p.Repeats}}})
}

// Profiles are the profiles by name. quick fits into minutes: at most 18 short searches, so 15
// cells once, or a single cell 5 times. ndrpdr searches NDR and PDR, seven sizes in 10 minutes of
// undisturbed time at most. The others run all tests of RFC 2544, see Suite.
func Profiles() []Profile {
	ci, standard, full := rfc2544.CISuite(), rfc2544.StandardSuite(), rfc2544.FullSuite()
	return []Profile{
		{Name: "quick", Goals: mlrsearch.MustParseGoals("quick"), Sums: 10, Latency: 500 * time.Millisecond, Repeats: 3, Cells: 18, MostRounds: 5},
		{Name: "ndrpdr", Goals: mlrsearch.MustParseGoals(ndrpdr("ndr", 0), ndrpdr("pdr", 0.005)), Sums: 4, Latency: 2500 * time.Millisecond, Repeats: 3},
		{Name: "ci", Goals: ci.Goals(), Suite: &ci, Tunnels: 8},
		{Name: "standard", Goals: standard.Goals(), Suite: &standard, Direction: rfc2544.Both, Late: rfc2544.ReceiveWindow, Tunnels: 8},
		{Name: "full", Goals: full.Goals(), Suite: &full, Direction: rfc2544.Both, Late: rfc2544.ReceiveWindow, MaxFrames: 1 << 28, Tunnels: 256},
	}
}

// ndrpdr returns a goal of the profile of that name. On a device whose rate varies by 5 % from trial
// to trial a search for both takes 16 s in the median, and 9 of 10 take less than 30 s.
func ndrpdr(name string, loss float64) string {
	return fmt.Sprintf("name=%s,loss=%v,exceed=0.5,initial=500ms,final=500ms,sum=5500ms,width=0.01", name, loss)
}
