package trace

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/labtest"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// The stacks of a device show both sides at the work that is theirs, in its own functions and in the kernel's.
func TestStacksOfADevice(t *testing.T) {
	testenv.NetAdmin(t)
	l := labtest.Open(t, lab.Settings{})
	d, err := dut.Parse("naive")
	if err != nil {
		t.Fatal(err)
	}
	out, err := Run(context.Background(), l.Lab, Plan{
		Device: d, Settings: l.Settings, Every: 64, Stacks: true,
		Trial: rfc2544.Trial{Size: 128, Load: 10000, Duration: time.Second},
	})
	if err != nil {
		t.Fatal(err)
	}
	for task, function := range map[string]string{" (left);": ".naiveOut;", " (right);": ".naiveIn;"} {
		own, kernel := 0, 0
		for stack, n := range out.Stacks.Counts {
			name, _, _ := strings.Cut(stack, ";")
			if !strings.HasSuffix(name+";", task) || !strings.Contains(stack, function) {
				continue
			}
			own += n
			if strings.HasSuffix(stack, "_[k]") {
				kernel += n
			}
		}
		if own == 0 || kernel == 0 {
			t.Errorf("%s%s: %d samples, of which %d in the kernel; %d in all", task, function, own, kernel, out.Stacks.Samples)
		}
	}
}
