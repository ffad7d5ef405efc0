package live

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/netns/dut"
)

func TestReplay(t *testing.T) {
	t.Parallel()
	plan := Plan{Senders: []Sender{Unknown, Spoofed}, Seed: 7, Rate: 50e3, Size: 64, Duration: 10 * time.Second}
	later := plan
	later.First = 12
	const common = " --seed 7 --load 12.5kpps --rate 50kpps --as unknown,spoofed --mutants any --size 64 --duration 10s"
	for _, c := range []struct {
		name     string
		plan     Plan
		settings lab.Settings
		argument string
		want     string
	}{
		{"defaults are left out", plan, lab.Settings{}, "reference", "tunnelbench fuzz live --dut reference" + common},
		{"the path of a program is quoted", plan, lab.Settings{}, "exec:./my tunnel", "tunnelbench fuzz live --dut 'exec:./my tunnel'" + common},
		{"settings of the lab", later, lab.Settings{Direction: "reverse", WAN: "loss=1%", Engine: "xdp", IPv6: true, Flows: 3}, "vxlan",
			"tunnelbench fuzz live --dut vxlan" + common + " --first 12 --direction reverse --wan loss=1% --engine xdp --ip 6 --flows 3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := Campaign{Plan: c.plan, Settings: c.settings}.replay(dut.Device{Argument: c.argument}, DeviceReport{Load: 12500, Mutants: "any"})
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
