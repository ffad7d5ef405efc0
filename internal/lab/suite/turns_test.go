package suite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/labtest"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Each procedure runs until it yields; one that is done does not hold up the others.
func TestInTurns(t *testing.T) {
	t.Parallel()
	var seen []string
	steps := func(name string, n int) func(yield func()) {
		return func(yield func()) {
			for i := range n {
				yield()
				seen = append(seen, fmt.Sprint(name, i))
			}
		}
	}
	inTurns([]func(func()){steps("a", 3), steps("b", 1), steps("c", 0)}, func(cycle int) { seen = append(seen, fmt.Sprint("cycle ", cycle)) })
	want := []string{"cycle 0", "cycle 1", "a0", "b0", "cycle 2", "a1", "cycle 3", "a2"}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

// A run that is cut short has all devices equally far.
func TestCutShort(t *testing.T) {
	t.Parallel()
	for _, profile := range Profiles() {
		if profile.Name == "full" {
			continue // as standard
		}
		t.Run(profile.Name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			plan, trials := aRun(t, 64, 512), map[string]int{}
			plan.Profile = profile
			plan.Journal = openTestJournal(t)
			plan.OnTrial = func(device string, _ rfc2544.Trial, _ rfc2544.Observation) {
				if trials[device]++; trials["plain"]+trials["vxlan"] == 9 {
					cancel()
				}
			}
			if err := Run(ctx, simulatedLab{&labtest.Lab{Devices: steady()}}, plan, &result.Results{}); !errors.Is(err, context.Canceled) {
				t.Fatalf("error %v, want %v", err, context.Canceled)
			}
			if diff := cmp.Diff(map[string]int{"plain": 5, "vxlan": 4}, trials); diff != "" {
				t.Errorf("trials of each device (-want +got):\n%s", diff)
			}
		})
	}
}

func openTestJournal(t *testing.T) *Journal {
	t.Helper()
	j, err := OpenJournal(t.Context(), t.TempDir()+"/journal.jsonl", someKey, false)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// aloneLab is a lab in which some devices fail beside others.
type aloneLab struct {
	simulatedLab
	spins  string // spec of the device that does
	groups *[]string
}

func (l aloneLab) Group(ctx context.Context, devices []dut.Device, s lab.Settings, largest rfc2544.FrameSize) (Group, error) {
	for i, d := range devices {
		if d.Spec == l.spins {
			return nil, lab.MemberError{Index: i, Err: errors.New("it spins")}
		}
	}
	var names []string
	for _, d := range devices {
		names = append(names, d.Spec)
	}
	*l.groups = append(*l.groups, strings.Join(names, " "))
	return l.simulatedLab.Group(ctx, devices, s, largest)
}

// As many devices as the tester has lanes for are up at once, the control among them.
func TestParties(t *testing.T) {
	t.Parallel()
	var many []string
	for i := range 9 {
		many = append(many, fmt.Sprintf("reference:workers=%d", 1+i))
	}
	for _, c := range []struct {
		name, control, spins string
		devices, want        []string
	}{
		{"no control", "", "", []string{"plain", "vxlan"}, []string{"plain vxlan"}},
		{"the control comes first", "vxlan", "", []string{"plain", "vxlan"}, []string{"vxlan plain"}},
		{"a control for comparison only", "plain", "", []string{"vxlan", "reference"}, []string{"plain vxlan reference"}},
		{"the bare wire is measured alone", "plain", "", []string{"wire", "vxlan"}, []string{"plain vxlan"}},
		{"a device that fails beside others is measured alone", "plain", "vxlan", []string{"vxlan", "reference"}, []string{"plain reference"}},
		{"a control that fails is left out", "plain", "plain", []string{"vxlan", "reference"}, []string{"vxlan reference"}},
		{"as many as there are lanes", "reference:workers=1", "", many[:8], []string{strings.Join(many[:8], " ")}},
		{"more than there are lanes", "plain", "", many, []string{"plain " + strings.Join(many[:7], " "), "plain " + strings.Join(many[7:], " ")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			plan := aRun(t, 64)
			plan.Profile.MostRounds = 1
			plan.Devices = labtest.Devices(t, c.devices...)
			if c.control != "" {
				plan.Control = &labtest.Devices(t, c.control)[0]
			}
			l := aloneLab{simulatedLab{&labtest.Lab{Others: "capacity=200000fps"}}, c.spins, new([]string)}
			r := &result.Results{}
			if err := Run(t.Context(), l, plan, r); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, *l.groups); diff != "" {
				t.Errorf("groups (-want +got):\n%s", diff)
			}
			measured := slices.Compact(slices.Collect(func(yield func(string) bool) {
				for _, res := range r.Results {
					if res.Error == "" {
						yield(res.DUT)
					}
				}
			}))
			if diff := cmp.Diff(c.devices, measured); diff != "" {
				t.Errorf("devices with results, in order (-want +got):\n%s", diff)
			}
			if l.Down != len(l.SetUp) {
				t.Errorf("%d brought up, %d taken down", len(l.SetUp), l.Down)
			}
		})
	}
}

// A device that dies costs only itself its rate beside the control.
func TestDeathBesideTheControl(t *testing.T) {
	t.Parallel()
	plan := aRun(t, 64)
	plan.Profile.MostRounds = 1
	plan.Devices = labtest.Devices(t, "plain", "vxlan", "reference")
	plan.Control = &plan.Devices[0]
	r := &result.Results{}
	l := simulatedLab{&labtest.Lab{Others: "capacity=200000fps", Dies: map[string]int{"vxlan": 14}}}
	if err := Run(t.Context(), l, plan, r); err != nil {
		t.Fatal(err)
	}
	var beside []string
	for _, res := range r.Results {
		if res.Test == rfc2544.NameClosedLoop {
			beside = append(beside, res.DUT)
		}
	}
	if diff := cmp.Diff([]string{"plain", "reference"}, beside); diff != "" {
		t.Errorf("devices measured beside the control (-want +got):\n%s", diff)
	}
	if !slices.ContainsFunc(r.Host.Notes, func(n string) bool { return strings.Contains(n, "vxlan") && strings.Contains(n, "out of luck") }) {
		t.Errorf("notes %q: none says why vxlan was not", r.Host.Notes)
	}
}

// A search that was cut short does not count against the rounds before.
func TestCutInALaterRound(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	plan, r := aRun(t, 64), &result.Results{}
	l := &labtest.Lab{Devices: steady()}
	plan.OnTrial = func(string, rfc2544.Trial, rfc2544.Observation) {
		if len(l.SetUp) > len(plan.Devices) {
			cancel()
		}
	}
	if err := Run(ctx, simulatedLab{l}, plan, r); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want %v", err, context.Canceled)
	}
	want := []outcome{{"plain", rfc2544.NameRate, true, ""}, {"vxlan", rfc2544.NameRate, true, ""}}
	if diff := cmp.Diff(want, outcomes(r.Results)); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
}
