package live

import (
	"strconv"
	"strings"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/show"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// replay returns the command that sends the same mutants to the device at the same load.
func (c Campaign) replay(d dut.Device, r DeviceReport) string {
	p, s := c.Plan, c.Settings.Resolved()
	senders := make([]string, len(p.Senders))
	for i, sender := range p.Senders {
		senders[i] = string(sender)
	}
	ip := "4"
	if s.IPv6 {
		ip = "6"
	}
	words := []string{
		"tunnelbench", "fuzz", "live", "--dut", d.Argument, "--seed", strconv.FormatUint(p.Seed, 10),
		"--load", kpps(r.Load), "--rate", kpps(float64(p.Rate)), "--as", strings.Join(senders, ","), "--mutants", r.Mutants,
		"--size", strconv.Itoa(int(p.Size)), "--duration", p.Duration.String(),
	}
	for _, o := range []struct{ name, value, usual string }{
		{"--first", strconv.FormatUint(p.First, 10), "0"}, {"--direction", s.Direction, rfc2544.Forward},
		{"--wan", s.WAN, ""}, {"--engine", s.Engine, lab.EngineAuto}, {"--ip", ip, "4"},
		{"--flows", strconv.Itoa(s.Flows), "1"},
	} {
		if o.value != o.usual {
			words = append(words, o.name, o.value)
		}
	}
	return show.ShellLine(words)
}

func kpps(rate float64) string { return strconv.FormatFloat(rate/1e3, 'f', -1, 64) + "kpps" }
