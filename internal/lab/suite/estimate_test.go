package suite

import (
	"context"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// The estimate grows with devices and sizes, and there is none for short profiles.
func TestPlanEstimate(t *testing.T) {
	total := func(sizes []rfc2544.FrameSize, profile int, specs ...string) time.Duration {
		p := Plan{Sizes: sizes, Profile: Profiles()[profile], Link: rfc2544.Gigabit}
		for _, spec := range specs {
			d, err := dut.Parse(spec)
			if err != nil {
				t.Fatal(err)
			}
			p.Devices = append(p.Devices, d)
		}
		_, total, err := p.Estimate(context.Background())
		if err != nil && profile > 1 {
			t.Fatal(err)
		}
		return total
	}
	one := total([]rfc2544.FrameSize{64}, 3, "vxlan")
	if two := total([]rfc2544.FrameSize{64}, 3, "vxlan", "plain"); two < one*3/2 {
		t.Errorf("one device takes %v, two take %v", one, two)
	}
	if more := total([]rfc2544.FrameSize{64, 1518}, 3, "vxlan"); more < one*5/4 {
		t.Errorf("one size takes %v, two take %v", one, more)
	}
	if full := total([]rfc2544.FrameSize{64}, 4, "vxlan"); full < 2*one {
		t.Errorf("standard takes %v, full %v", one, full)
	}
	if quick := total([]rfc2544.FrameSize{64}, 0, "vxlan"); quick != 0 {
		t.Errorf("an estimate of %v for quick", quick)
	}
}
