package text

import (
	"slices"
	"strings"

	"github.com/tunnelbench/tunnelbench/fuzz/oracle"
	"github.com/tunnelbench/tunnelbench/internal/oneline"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/rfc2544"
	"github.com/tunnelbench/tunnelbench/rfc2544/mlrsearch"
	"github.com/tunnelbench/tunnelbench/rfc2544/simulated"
)

// words are the parsers of command-line words. Each also checks the value that it accepts.
var words = []func(string) error{
	load, sizes, goal, ratio, simulatedDevice, cpus, device, wan,
}

// wordsPerByte is how many bytes a parser may allocate for each byte of input.
const wordsPerByte = 256

// Words attacks the parsers of loads, frame sizes, goals, ratios, simulated devices, cores, tunnels
// and WAN links. The first byte chooses the parser.
func Words(data []byte) int {
	if len(data) == 0 || len(data) > 1<<12 {
		return 0
	}
	read, text := words[int(data[0])%len(words)], string(data[1:])
	var err error
	oracle.Allocates(oracle.PerByte(wordsPerByte, data), func() { err = read(text) })
	if err != nil {
		oracle.Line(err)
		return 0
	}
	return 1
}

func load(s string) error {
	l, err := rfc2544.ParseLoad(s)
	if err != nil {
		return err
	}
	if r := l.At(rfc2544.MinFrame, rfc2544.Gigabit); !(r > 0) {
		oracle.Fail(oracle.Agreement, "load %q is %v", s, r)
	}
	return nil
}

func sizes(s string) error {
	all, err := rfc2544.ParseFrameSizes(s)
	if err != nil {
		return err
	}
	if len(all) == 0 || slices.Min(all) < rfc2544.MinFrame || slices.Max(all) > rfc2544.MaxFrame {
		oracle.Fail(oracle.Agreement, "sizes %q are %v", s, all)
	}
	return nil
}

func goal(s string) error {
	g, err := mlrsearch.ParseGoal(s)
	if err == nil && !(g.LossRatio >= 0 && g.LossRatio <= 1 && g.Final > 0) {
		oracle.Fail(oracle.Agreement, "goal %q is %+v", s, g)
	}
	return err
}

func ratio(s string) error {
	r, err := mlrsearch.ParseRatio(s)
	if err != nil {
		return err
	}
	if again, err := mlrsearch.ParseRatio(r.String()); err != nil || again.Float() != r.Float() || !(r.Float() >= 0 && r.Float() < 1) {
		oracle.Fail(oracle.RoundTrip, "ratio %q is %v, which reads back as %v, %v", s, r, again, err)
	}
	return nil
}

func simulatedDevice(s string) error {
	d, err := simulated.Parse(s)
	if (err == nil) != (d != nil) {
		oracle.Fail(oracle.Agreement, "device %q is %v, with the error %v", s, d, err)
	}
	return err
}

func cpus(s string) error {
	all, err := netns.ParseCPUList(s)
	if err == nil && slices.ContainsFunc(all, func(cpu int) bool { return cpu < 0 }) {
		oracle.Fail(oracle.Agreement, "cores %q are %v", s, all)
	}
	return err
}

func device(s string) error {
	d, err := dut.Parse(s)
	if err == nil && (d.Name == "" || d.Spec == "") {
		oracle.Fail(oracle.Agreement, "device %q has no name", s)
	}
	return err
}

func wan(s string) error {
	_, err := dut.ParseWAN(s)
	return err
}

// Output attacks the function that turns a tunnel's stderr into one short line for an error message.
// The line must hold no control characters for a terminal.
func Output(data []byte) int {
	line := oneline.Last(string(data))
	if strings.TrimSpace(line) != line || len([]rune(line)) > 300 {
		oracle.Fail(oracle.OneLine, "%q", line)
	}
	if line == "" {
		return 0
	}
	oracle.Line(lineError(line))
	small, large := oracle.Stretch(data)
	oracle.Slopes(func(data []byte) { oneline.Last(string(data)) }, small, large)
	return 1
}

type lineError string

func (e lineError) Error() string { return string(e) }
