package neighbour

import (
	"iter"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/splitmix"
	"github.com/tunnelbench/tunnelbench/netns"
)

// The works of a burst.
const (
	arithmetic = "arithmetic" // independent multiplications, which want the whole width of the core
	memory     = "memory"     // streams over more memory than the caches hold
	stalling   = "stall"      // holds the core in an interrupt
)

// task is what one process of the neighbour does on one core.
type task struct {
	CPU   int
	Works []string // of the bursts, in turn
	Share float64  // of the core
	Burst lengths
	Seed  uint64
	Limit time.Duration // the process ends after so long
}

// tasks returns the plan's tasks in a lab that has divided the cores so.
func (p *Plan) tasks(lab netns.CPUPlan, siblings map[int][]int) (all []task) {
	works, burner := []string{arithmetic}, p.memory
	if burner == memoryAuto {
		if burner = p.freeSibling(lab, siblings); burner < 0 {
			works = append(works, memory)
		}
	}
	add := func(cpu int, works []string, share float64, burst lengths) {
		seed := splitmix.Mix(p.seed + uint64(len(all)+1)*splitmix.Golden)
		all = append(all, task{cpu, works, share, burst, seed, p.limit})
	}
	for _, cpu := range p.cpus {
		add(cpu, works, p.share, p.burst)
		if p.stall > 0 {
			add(cpu, []string{stalling}, p.stall.Seconds(), lengths{p.stall, p.stall})
		}
	}
	if burner >= 0 {
		add(burner, []string{memory}, 1, p.burst)
	}
	return all
}

// freeSibling returns a core that shares its silicon with a core of the device and belongs to
// neither device nor tester; memoryAuto if there is none.
func (p *Plan) freeSibling(lab netns.CPUPlan, siblings map[int][]int) int {
	taken := slices.Concat(lab.DUT, lab.Tester)
	for _, cpu := range lab.DUT {
		for _, s := range siblings[cpu] {
			if !slices.Contains(taken, s) && slices.Contains(p.allowed, s) {
				return s
			}
		}
	}
	return memoryAuto
}

// burst is one disturbance.
type burst struct {
	gap    time.Duration // rest before it
	length time.Duration // CPU time that it takes
	work   string
}

// bursts yields the bursts of a task without end. A gap is as long on average as the share demands
// for its burst, from half to one and a half times that.
func (t task) bursts() iter.Seq[burst] {
	state := t.Seed
	draw := func() float64 { // from 0 to 1
		state += splitmix.Golden
		return float64(splitmix.Mix(state)>>11) / (1 << 53)
	}
	return func(yield func(burst) bool) {
		for i := 0; ; i++ {
			length := t.Burst.Shortest + time.Duration(draw()*float64(t.Burst.Longest-t.Burst.Shortest))
			gap := float64(length) * (1 - t.Share) / t.Share * (0.5 + draw())
			if !yield(burst{time.Duration(gap), length, t.Works[i%len(t.Works)]}) {
				return
			}
		}
	}
}
