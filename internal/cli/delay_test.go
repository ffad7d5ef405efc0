package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// The loss timeout follows what the link adds to a frame. One that no frame can meet is refused.
func TestLossTimeoutFollowsTheLink(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args, device string
		size         rfc2544.FrameSize
		want         time.Duration // 0: refused
		message      string
	}{
		"no link":                    {"", "vxlan", 64, 50 * time.Millisecond, ""},
		"user's":                     {"--loss-timeout 5ms", "vxlan", 64, 5 * time.Millisecond, ""},
		"delay":                      {"--wan delay=60ms", "vxlan", 64, 110 * time.Millisecond, ""},
		"delay and jitter":           {"--wan delay=60ms,jitter=40ms", "vxlan", 64, 150 * time.Millisecond, ""},
		"cost":                       {"--wan cost=10ms", "vxlan", 64, 60 * time.Millisecond, ""},
		"slow rate":                  {"--wan rate=100kbps", "vxlan", 1518, (50 + 129) * time.Millisecond, ""},
		"slow rate in frames":        {"--wan rate=10pps", "vxlan", 64, 150 * time.Millisecond, ""},
		"fast rate":                  {"--wan rate=100Mbps,queue=1000", "vxlan", 1518, 50 * time.Millisecond, ""},
		"slow bucket":                {"--wan shaped:rate=100kbps", "vxlan", 1518, (50 + 129) * time.Millisecond, ""},
		"both directions":            {"--wan delay=60ms --direction both", "vxlan", 64, 110 * time.Millisecond, ""},
		"device":                     {"", "relay:delay=60ms,jitter=1ms", 64, 111 * time.Millisecond, ""},
		"shaped device":              {"", "shaped:rate=100kbps", 1518, (50 + 129) * time.Millisecond, ""},
		"above the delay":            {"--late 61ms --wan delay=60ms", "vxlan", 64, 61 * time.Millisecond, ""},
		"below the delay":            {"--late 50ms --wan delay=60ms", "vxlan", 64, 0, "--loss-timeout 50ms: every frame takes at least 60ms over --wan delay=60ms and would be late"},
		"as long as the delay":       {"--loss-timeout 60ms --wan delay=60ms", "vxlan", 64, 0, "at least 60ms"},
		"below the rate":             {"--loss-timeout 50ms --wan rate=100kbps", "vxlan", 1518, 0, "at least 129ms"},
		"below a device's delay":     {"--loss-timeout 50ms", "relay:delay=60ms", 64, 0, "through relay:delay=60ms"},
		"beyond all waiting":         {"--wan delay=10s", "vxlan", 64, 0, "up to 10s: 9.95s is the most"},
		"beyond all waiting, jitter": {"--wan delay=5s,jitter=5s", "vxlan", 64, 0, "9.95s is the most"},
		"no wan link":                {"--wan delay=1ms", "relay", 64, 0, "no wan link"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set := pflag.NewFlagSet("", pflag.ContinueOnError)
			set.SetNormalizeFunc(CurrentName)
			f := AddLabFlags(set)
			d, err := dut.Parse(c.device)
			if err == nil {
				err = set.Parse(strings.Fields(c.args))
			}
			if err != nil {
				t.Fatal(err)
			}
			cfg, err := f.ConfigFor(c.size, d)
			if c.want == 0 {
				if err == nil || !strings.Contains(err.Error(), c.message) {
					t.Errorf("%v, want %q", err, c.message)
				}
				return
			}
			if err != nil || cfg.LossTimeout != c.want {
				t.Errorf("%v, %v, want %v", cfg.LossTimeout, err, c.want)
			}
		})
	}
}
