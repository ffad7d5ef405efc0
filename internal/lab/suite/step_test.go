package suite

import (
	"context"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tunnelbench/tunnelbench/internal/lab/labtest"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// stepsOf runs a plan on simulated devices and returns the steps of each device, in order, and what it is at in the end.
func stepsOf(t *testing.T, p Plan) (steps map[string][]string, at map[string]string) {
	t.Helper()
	steps, at = map[string][]string{}, map[string]string{}
	p.OnStep = func(s Step) {
		if s.Test == "" {
			delete(at, s.Device)
			return
		}
		steps[s.Device], at[s.Device] = append(steps[s.Device], s.Test), s.Test
		if s.Device != "" && s.Size != 64 {
			t.Errorf("%+v", s)
		}
	}
	p.OnTrial = func(device string, _ rfc2544.Trial, _ rfc2544.Observation) {
		if at[device] == "" {
			t.Errorf("a trial of %s, which is at nothing", device)
		}
	}
	if err := Run(context.Background(), simulatedLab{&labtest.Lab{Devices: steady()}}, p, &result.Results{}); err != nil {
		t.Fatal(err)
	}
	return steps, at
}

// A run tells of each device which test it comes to, and that nothing is left of it.
func TestSteps(t *testing.T) {
	t.Parallel()
	steps, at := stepsOf(t, aRun(t, 64))
	want := append(slices.Repeat([]string{rfc2544.NameRate}, 5), rfc2544.NameLatency)
	if len(at) > 0 || !slices.Equal(steps["plain"], want) || !slices.Equal(steps["vxlan"], want) || !slices.Equal(steps[""], []string{Calibration}) {
		t.Errorf("in rounds: %v, and at the end at %v", steps, at)
	}

	p := aRun(t, 64)
	j, err := OpenJournal(t.Context(), filepath.Join(t.TempDir(), "journal"), someKey, false)
	if err != nil {
		t.Fatal(err)
	}
	p.Profile, p.Journal = Profile{Name: "tiny", Suite: &tinySuite, Goals: tinySuite.Goals()}, j
	steps, at = stepsOf(t, p)
	var all []string
	for _, test := range rfc2544.Tests() {
		if test.Name != rfc2544.NameScale && slices.ContainsFunc(tinySuite.Tests, func(c rfc2544.Config) bool { return nameOf(c) == test.Name }) {
			all = append(all, test.Name)
		}
	}
	if len(at) > 0 || len(all) != len(tinySuite.Tests) || !slices.Equal(steps["vxlan"], all) {
		t.Errorf("in a suite: %v, want %v, and at the end at %v", steps, all, at)
	}
}

// Each config of the table has the name of its row.
func TestNameOf(t *testing.T) {
	t.Parallel()
	for _, test := range rfc2544.Tests() {
		if test.Efforts.Full != nil && nameOf(test.Efforts.Full) != test.Name {
			t.Errorf("%s is called %q", test.Name, nameOf(test.Efforts.Full))
		}
	}
}
