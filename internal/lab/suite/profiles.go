package suite

import (
	"time"

	"github.com/tunnelbench/tunnelbench/rfc2544"
	"github.com/tunnelbench/tunnelbench/rfc2544/mlrsearch"
)

// Profile says how thoroughly a run measures.
type Profile struct {
	Name    string
	Goals   []mlrsearch.Goal
	Limit   time.Duration // of one search; on a machine whose speed changes too fast a search does not converge
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

// Profiles are the profiles by name. quick fits into minutes: at most 18 short searches, so 15
// cells once, or a single cell 5 times. ndrpdr searches NDR and PDR as CSIT does. The others run
// all tests of RFC 2544, see Suite.
func Profiles() []Profile {
	ci, standard, full := rfc2544.CISuite(), rfc2544.StandardSuite(), rfc2544.FullSuite()
	return []Profile{
		{Name: "quick", Goals: mlrsearch.MustParseGoals("quick"), Limit: 15 * time.Second, Latency: 500 * time.Millisecond, Repeats: 3, Cells: 18, MostRounds: 5},
		{Name: "ndrpdr", Goals: mlrsearch.MustParseGoals("ndr", "pdr"), Limit: 10 * time.Minute, Latency: 2500 * time.Millisecond, Repeats: 3},
		{Name: "ci", Goals: ci.Goals(), Suite: &ci, Tunnels: 8},
		{Name: "standard", Goals: standard.Goals(), Suite: &standard, Direction: rfc2544.Both, Late: rfc2544.ReceiveWindow, Tunnels: 8},
		{Name: "full", Goals: full.Goals(), Suite: &full, Direction: rfc2544.Both, Late: rfc2544.ReceiveWindow, MaxFrames: 1 << 28, Tunnels: 256},
	}
}
