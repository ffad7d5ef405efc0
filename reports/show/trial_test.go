package show

import (
	"strings"
	"testing"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// The loss ratio of a trial in both directions covers all frames, and the text says so.
func TestTrialPrintsBothDirections(t *testing.T) {
	t.Parallel()
	count := func(c *rfc2544.Counts, offered, received uint64) {
		c.Intended, c.Offered, c.Received, c.Lost = offered, offered, received, offered-received
	}
	directions := make([]rfc2544.Direction, 2)
	directions[0].Direction, directions[1].Direction = rfc2544.Forward, rfc2544.Reverse
	count(&directions[0].Counts, 100, 100)
	count(&directions[1].Counts, 100, 50)
	both := rfc2544.Observation{IntendedLoad: 100, Directions: directions}
	count(&both.Counts, 200, 150)
	one := rfc2544.Observation{IntendedLoad: 100}
	count(&one.Counts, 100, 50)
	for _, c := range []struct {
		name  string
		trial rfc2544.Observation
		want  []string
	}{
		{"both", both, []string{"lost 50 (25 % of the frames of both directions, 0 late)", "forward: offered 100, received 100, lost 0 (0 %", "reverse: offered 100, received 50, lost 50 (50 %"}},
		{"one", one, []string{"lost 50 (50 %, 0 late)"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			if err := (Trial{Device: "vxlan", Engine: "xdp", Size: 64, Seen: c.trial}).WriteText(&out); err != nil {
				t.Fatal(err)
			}
			for _, want := range c.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("no %q in:\n%s", want, out.String())
				}
			}
		})
	}
}

// The kernel's reasons are there where something was lost, in words.
func TestTrialPrintsReasonsOfLosses(t *testing.T) {
	t.Parallel()
	reasons := rfc2544.DropReasons{{Node: "left", Device: "lan", Reason: "NOT_SPECIFIED", Frames: 1}, {Node: "right", Reason: "NO_SOCKET", Frames: 2}, {Reason: "BRAND_NEW", Frames: 3}}
	for _, c := range []struct {
		name string
		lost uint64
		want []string
	}{
		{"nothing was lost", 0, nil},
		{"some were", 6, []string{"left:lan NOT_SPECIFIED (the kernel gives none): 1", "NO_SOCKET (no program listens on this port): 2", "BRAND_NEW (see include/net/dropreason-core.h of Linux): 3"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			seen := rfc2544.Observation{IntendedLoad: 100, DropReasons: reasons}
			seen.Intended, seen.Offered, seen.Received, seen.Lost = 100, 100, 100-c.lost, c.lost
			var out strings.Builder
			if err := (Trial{Device: "vxlan", Engine: "xdp", Size: 64, Seen: seen}).WriteText(&out); err != nil {
				t.Fatal(err)
			}
			for _, want := range c.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("no %q in:\n%s", want, out.String())
				}
			}
			if len(c.want) == 0 && strings.Contains(out.String(), "reason") {
				t.Errorf("reasons of no loss in:\n%s", out.String())
			}
		})
	}
}
