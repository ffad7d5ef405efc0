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
	Limit   time.Duration // of the trials of one search: a machine that changes too fast has no answer
	Latency time.Duration // of one latency trial
	Repeats int           // of it, at each load

	// Rates are searched in rounds, each with every device freshly brought up:
	// as many as Cells allow for the devices and sizes of the run, from 1 to
	// MostRounds. 0 cells is one round.
	Cells, MostRounds int

	// Suite runs the whole family of tests instead; nil: rate and latency as above.
	Suite     *rfc2544.Suite
	Direction string        // of a run that does not say; empty: forward
	Late      time.Duration // a frame that takes longer is lost; 0: lab.DefaultLossTimeout
	MaxFrames uint64        // of its longest trial; 0: lab.DefaultMaxFrames
	Tunnels   int           // that a device which can is also measured with at once; 0: none
}

// rounds is how many rounds a run of so many cells (a device at a size) has.
func (p Profile) rounds(cells int) int {
	return max(1, min(p.MostRounds, p.Cells/max(1, cells)))
}

// Profiles are those that a user may name. quick is what a run of minutes can
// afford: 18 short searches in all, 15 cells once or a single cell 5 times.
// ndrpdr searches two rates as CSIT does. The others run the whole family of
// RFC 2544's tests, see Suite.
func Profiles() []Profile {
	ci, standard, full := rfc2544.CISuite(), rfc2544.StandardSuite(), rfc2544.FullSuite()
	return []Profile{
		{Name: "quick", Goals: presets("quick"), Limit: 15 * time.Second, Latency: 500 * time.Millisecond, Repeats: 3, Cells: 18, MostRounds: 5},
		{Name: "ndrpdr", Goals: presets("ndr", "pdr"), Limit: 10 * time.Minute, Latency: 2500 * time.Millisecond, Repeats: 3},
		{Name: "ci", Goals: ci.Goals(), Suite: &ci, Tunnels: 8},
		{Name: "standard", Goals: standard.Goals(), Suite: &standard, Direction: rfc2544.Both, Late: rfc2544.ReceiveWindow, Tunnels: 8},
		{Name: "full", Goals: full.Goals(), Suite: &full, Direction: rfc2544.Both, Late: rfc2544.ReceiveWindow, MaxFrames: 1 << 28, Tunnels: 256},
	}
}

// presets are goals that are part of the program and so always parse.
func presets(names ...string) []mlrsearch.Goal {
	goals := make([]mlrsearch.Goal, len(names))
	for i, name := range names {
		goal, err := mlrsearch.Preset(name)
		if err != nil {
			panic(err)
		}
		goals[i] = goal
	}
	return goals
}
