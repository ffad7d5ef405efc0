package count

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/tunnelbench/tunnelbench/ci/gate"
	"github.com/tunnelbench/tunnelbench/internal/stats"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

// Schema is the schema version of a report.
const Schema = "tunnelbench.countgate/1"

// Limits are the largest increases that pass, as shares of the base's value.
type Limits struct {
	Frames float64 `json:"frames"` // of the instructions for a frame
	Calls  float64 `json:"calls"`  // of the instructions for a call of a function
}

// Report is the head's cost against the base's.
type Report struct {
	Schema   string      `json:"schema"`
	Verdict  string      `json:"verdict"` // gate.Pass, gate.Fail or gate.Inconclusive
	Why      string      `json:"why"`
	Device   string      `json:"device"`
	Base     Revision    `json:"base"`
	Head     Revision    `json:"head"`
	Tool     result.Tool `json:"tool"`
	Emulator string      `json:"emulator"`
	Kernel   string      `json:"kernel"`
	Limits   Limits      `json:"limits"`
	Changes  []Change    `json:"changes"`
	OneSided []string    `json:"one_sided"` // metrics that only one side has: new, gone, or of other inputs
}

// Revision names a side of a report.
type Revision struct {
	Revision string `json:"revision"`
	Commit   string `json:"commit"`
	Layouts  int    `json:"layouts"`
}

// Change is the difference of one metric.
type Change struct {
	Metric  string  `json:"metric"` // a frame size, or the name of a function
	Base    float64 `json:"base"`   // median of the layouts, in instructions
	Head    float64 `json:"head"`
	Change  float64 `json:"change"` // of the base's value; above zero: the head costs more
	Margin  float64 `json:"margin"` // by which layouts of one side differ, at most
	Limit   float64 `json:"limit"`
	Verdict string  `json:"verdict"`
}

// Judge compares the head with the base. It returns an error if the sides cannot be compared.
func Judge(limits Limits, base, head *Side) (*Report, error) {
	if err := check(base, head); err != nil {
		return nil, err
	}
	first := head.Layouts[0]
	r := &Report{
		Schema: Schema, Verdict: gate.Pass, Why: "every increase is below its limit", Device: head.Device, Tool: first.Tool,
		Emulator: first.Emulator, Kernel: first.Kernel, Limits: limits, Changes: []Change{}, OneSided: []string{},
		Base: Revision{base.Revision, base.Commit, len(base.Layouts)}, Head: Revision{head.Revision, head.Commit, len(head.Layouts)},
	}
	before, after := values(base), values(head)
	for _, m := range metrics(base.Layouts[0], first) {
		if len(before[m.id]) == 0 || len(after[m.id]) == 0 {
			r.OneSided = append(r.OneSided, m.id)
			continue
		}
		limit := limits.Frames
		if m.call {
			limit = limits.Calls
		}
		c := change(before[m.id], after[m.id], limit)
		c.Metric = m.id
		r.Changes = append(r.Changes, c)
	}
	r.conclude()
	return r, nil
}

// severity orders the verdicts.
var severity = []string{gate.Pass, gate.Inconclusive, gate.Fail}

// conclude takes the verdict of the metric that is worst.
func (r *Report) conclude() {
	var worst *Change
	rank := func(c *Change) int { return slices.Index(severity, c.Verdict) }
	for i := range r.Changes {
		c := &r.Changes[i]
		if c.Verdict != gate.Pass && (worst == nil || rank(c) > rank(worst) || rank(c) == rank(worst) && c.Change > worst.Change) {
			worst = c
		}
	}
	if worst == nil {
		return
	}
	r.Verdict = worst.Verdict
	r.Why = fmt.Sprintf("%s: %+.2f %% instructions, the limit is %.4g %%", worst.Metric, 100*worst.Change, 100*worst.Limit)
	if worst.Verdict == gate.Inconclusive {
		r.Why += fmt.Sprintf("; layouts of one side differ by %.2f %%: take more --layouts", 100*worst.Margin)
	}
}

// LeastLayouts is the number of layouts that a side needs: with fewer there is no margin.
const LeastLayouts = 2

// check returns an error unless both sides were counted by the same emulator with the same kernel,
// for the same list of devices and sizes.
func check(base, head *Side) error {
	if n := min(len(base.Layouts), len(head.Layouts)); n < LeastLayouts {
		return fmt.Errorf("a side with %d layouts: %d or more say how much a layout makes of the cost", n, LeastLayouts)
	}
	if base.Device != head.Device {
		return fmt.Errorf("counts of %s and of %s cannot be compared: a count compares a tunnel with itself", base.Device, head.Device)
	}
	want := base.Layouts[0]
	for _, c := range slices.Concat(base.Layouts, head.Layouts) {
		switch {
		case c.Emulator != want.Emulator:
			return fmt.Errorf("counts of %q and of %q cannot be compared: count both sides with one emulator", want.Emulator, c.Emulator)
		case c.Kernel != want.Kernel:
			return fmt.Errorf("counts of kernel %s and of kernel %s cannot be compared: count both sides with one kernel", want.Kernel, c.Kernel)
		case slices.ContainsFunc(c.Costs, func(x result.Cost) bool { return !(x.Instructions > 0) }):
			return fmt.Errorf("a cost that is not above zero")
		case !slices.EqualFunc(c.Costs, want.Costs, func(a, b result.Cost) bool { return a.Device == b.Device && a.FrameSize == b.FrameSize }):
			return fmt.Errorf("the sides were counted for different lists of devices and sizes: count both with one list")
		}
	}
	return nil
}

type metric struct {
	id   string
	call bool
}

// metrics returns the metrics of both sides, in their order.
func metrics(sides ...*result.Counts) (all []metric) {
	add := func(m metric) {
		if !slices.Contains(all, m) {
			all = append(all, m)
		}
	}
	for _, c := range sides {
		for _, x := range c.Costs {
			add(metric{id: frameID(x)})
		}
		for _, x := range c.Calls {
			add(metric{id: x.Name, call: true})
		}
	}
	return all
}

func frameID(x result.Cost) string { return "instructions_per_frame/" + strconv.Itoa(int(x.FrameSize)) }

// values returns the values of each metric, by layout.
func values(s *Side) map[string][]float64 {
	all := map[string][]float64{}
	for _, c := range s.Layouts {
		for _, x := range c.Costs {
			all[frameID(x)] = append(all[frameID(x)], x.Instructions)
		}
		for _, x := range c.Calls {
			all[x.Name] = append(all[x.Name], x.Instructions)
		}
	}
	return all
}

// change judges one metric: what passes is below the limit even with the margin on top. An increase
// that layouts alone could make is no proof of either.
func change(base, head []float64, limit float64) Change {
	c := Change{Base: stats.Median(base), Head: stats.Median(head), Limit: limit, Verdict: gate.Pass}
	c.Change = c.Head/c.Base - 1
	c.Margin = max(spread(base), spread(head))
	if c.Change+c.Margin >= limit {
		c.Verdict = gate.Inconclusive
		if c.Change > c.Margin {
			c.Verdict = gate.Fail
		}
	}
	return c
}

// spread returns by how much the largest value is above the smallest, as a share.
func spread(values []float64) float64 { return slices.Max(values)/slices.Min(values) - 1 }
