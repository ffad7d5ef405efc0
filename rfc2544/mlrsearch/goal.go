package mlrsearch

import (
	"fmt"
	"regexp"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/kv"
)

// Goal is one Search Goal of RFC 9971 section 4.6: which loss is acceptable, and how much
// measuring makes it certain.
type Goal struct {
	Name      string        `json:"name"`         // of the values found: ndr, pdr, throughput, ...
	LossRatio float64       `json:"loss_ratio"`   // a trial that loses more is a high-loss trial
	Exceed    Ratio         `json:"exceed_ratio"` // share of the measured time that may be high-loss
	Initial   time.Duration `json:"initial_ns"`   // shortest trial the search may use; 0 is Final
	Final     time.Duration `json:"final_ns"`     // a trial this long is full-length
	Sum       time.Duration `json:"sum_ns"`       // time after which a load is always decided
	Width     float64       `json:"width"`        // largest (upper-lower)/upper; 0 for Evaluate alone
}

// presets are goals by name. "rfc2544" is the throughput of RFC 2544 section 26.1, "quick"
// is for measurements of a few minutes.
var presets = map[string]string{
	"ndr":     "name=ndr,loss=0,exceed=0.5,initial=1s,final=1s,sum=21s,width=0.005",
	"pdr":     "name=pdr,loss=0.005,exceed=0.5,initial=1s,final=1s,sum=21s,width=0.005",
	"rfc2544": "name=throughput,loss=0,exceed=0,initial=60s,final=60s,sum=60s,width=0.005",
	"quick":   "name=pdr,loss=0.005,exceed=0.5,initial=500ms,final=500ms,sum=1500ms,width=0.03",
}

// Preset returns the goal of that name: ndr, pdr, rfc2544 or quick.
func Preset(name string) (Goal, error) {
	text, ok := presets[name]
	if !ok {
		return Goal{}, fmt.Errorf("goal %q: no such preset: use ndr, pdr, rfc2544 or quick", name)
	}
	return ParseGoal(text)
}

// goalKeys are the keys of ParseGoal.
var goalKeys = []struct {
	name     string
	required bool
	set      func(*Goal, string) error
}{
	{"loss", true, func(g *Goal, v string) error { return kv.SetFloat(&g.LossRatio, v) }},
	{"exceed", true, func(g *Goal, v string) (err error) { g.Exceed, err = ParseRatio(v); return err }},
	{"final", true, func(g *Goal, v string) error { return kv.SetDuration(&g.Final, v) }},
	{"sum", true, func(g *Goal, v string) error { return kv.SetDuration(&g.Sum, v) }},
	{"initial", false, func(g *Goal, v string) error { return kv.SetDuration(&g.Initial, v) }},
	{"width", false, func(g *Goal, v string) error { return kv.SetFloat(&g.Width, v) }},
	{"name", false, func(g *Goal, v string) error { g.Name = v; return nil }},
}

func goalNames() (names []string) {
	for _, key := range goalKeys {
		names = append(names, key.name)
	}
	return names
}

// ParseGoal reads "loss=0.005,exceed=0.5,final=1s,sum=21s", optionally with
// width=0.005, initial=1s and name=pdr; or the name of a preset. A goal
// without a name is called ndr when it allows no loss, and pdr otherwise.
func ParseGoal(s string) (Goal, error) {
	if _, ok := presets[s]; ok {
		return Preset(s)
	}
	fields, err := kv.Parse(s, goalNames())
	if err != nil {
		return Goal{}, fmt.Errorf("goal: %w", err)
	}
	var g Goal
	for _, key := range goalKeys {
		value, ok := fields.Get(key.name)
		if !ok && key.required {
			return Goal{}, fmt.Errorf("goal %q: %s is missing: write loss=0.005,exceed=0.5,final=1s,sum=21s", s, key.name)
		}
		if !ok {
			continue
		}
		if err := key.set(&g, value); err != nil {
			return Goal{}, fmt.Errorf("goal: %s: %w", key.name, err)
		}
	}
	if g.Name == "" {
		g.Name = defaultName(g.LossRatio)
	}
	return g, g.Validate()
}

// MustParseGoals is ParseGoal for texts that are constants; it panics if one cannot be parsed.
func MustParseGoals(texts ...string) []Goal {
	goals := make([]Goal, len(texts))
	for i, text := range texts {
		var err error
		if goals[i], err = ParseGoal(text); err != nil {
			panic(err)
		}
	}
	return goals
}

func defaultName(loss float64) string {
	if loss == 0 {
		return "ndr"
	}
	return "pdr"
}

var goalName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)

// Validate returns an error for a goal that RFC 9971 does not allow.
func (g Goal) Validate() error {
	switch {
	case !goalName.MatchString(g.Name):
		return fmt.Errorf("goal %q: name: use up to 32 of a-z, 0-9 and _, a letter first", g.Name)
	case !(g.LossRatio >= 0 && g.LossRatio < 1):
		return fmt.Errorf("goal %s: loss %v: must be from 0 to below 1", g.Name, g.LossRatio)
	case g.Final <= 0 || g.Sum <= 0:
		return fmt.Errorf("goal %s: final %v, sum %v: both must be above zero", g.Name, g.Final, g.Sum)
	case g.Initial < 0 || g.Initial > g.Final:
		return fmt.Errorf("goal %s: initial %v: must be above zero and at most final %v", g.Name, g.Initial, g.Final)
	case !(g.Width >= 0 && g.Width < 1):
		return fmt.Errorf("goal %s: width %v: must be above 0 and below 1", g.Name, g.Width)
	case g.Name == "throughput" && !g.isThroughput():
		return fmt.Errorf("goal throughput: the name is for loss=0, exceed=0 and trials of 60s or longer: choose another")
	}
	return nil
}

// isThroughput reports whether RFC 2544 section 24 allows the goal to be called throughput.
func (g Goal) isThroughput() bool {
	return g.Strict() && g.Final >= time.Minute && g.Sum >= time.Minute
}

// Strict reports whether no trial may lose a frame.
func (g Goal) Strict() bool { return g.LossRatio == 0 && g.Exceed.num == 0 }

// Shortest is the shortest trial that a search for g runs.
func (g Goal) Shortest() time.Duration {
	if g.Initial == 0 {
		return g.Final
	}
	return g.Initial
}
