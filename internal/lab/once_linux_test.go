package lab

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/internal/neighbour"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// A trial beside the neighbour says so, and only such a trial.
func TestOneTrialBesideTheNeighbour(t *testing.T) {
	testenv.NetAdmin(t)
	cpus, err := netns.AllowedCPUs()
	if err != nil {
		t.Fatal(err)
	}
	plan, err := neighbour.Parse("neighbour", cpus)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		beside *neighbour.Plan
		want   []string
	}{
		"alone":  {nil, []string{}},
		"beside": {plan, []string{"Measured beside the neighbour, which disturbs on purpose: " + plan.String() + "."}},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := Open(context.Background(), Config{Wait: true, Beside: c.beside})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := l.Close(); err != nil {
					t.Error(err)
				}
			})
			d, err := dut.Parse("plain")
			if err != nil {
				t.Fatal(err)
			}
			set := Settings{MaxFrames: 1 << 22, LossTimeout: short}
			o, _, err := l.MeasureOnce(context.Background(), d, set, rfc2544.Trial{Size: 64, Load: 1000, Duration: 50 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, o.Warnings); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
		})
	}
}
