package behaviour

import (
	"flag"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/behaviour"
)

var allFaults = flag.Bool("all-faults", false, "devices of every fault, with trials as long as those of the verb")

// known is what a test has to find out about a device.
type known struct {
	name    string
	long    bool // only with -all-faults
	test    Test
	faults  []string
	verdict behaviour.Verdict
	facts   map[string]string
	values  func(behaviour.Finding) bool // nil: not looked at
}

var knowns = []known{
	{"no ecn fault", true, ecn, nil, behaviour.Pass, map[string]string{"ingress": "normal", "egress": "rfc6040", "mark": "carried", "mark-on-not-ect": "dropped"}, nil},
	{"no ecn", true, ecn, []string{"no-ecn"}, behaviour.Pass, map[string]string{"ingress": "compatibility", "egress": "ignores", "mark": "lost"}, nil},
	{"mark lost", false, ecn, []string{"mark-lost"}, behaviour.Fail, map[string]string{"ingress": "normal", "egress": "ignores", "mark": "lost"}, nil},
	{"dscp copied", true, dscp, []string{"dscp-copied"}, behaviour.None, map[string]string{"outer": copied, "inner": copied}, nil},
	{"dscp cleared", false, dscp, []string{"dscp-cleared"}, behaviour.None, map[string]string{"outer": zero, "inner": zero}, nil},
	{"ttl kept", false, ttl, []string{"ttl-kept"}, behaviour.Fail, map[string]string{"expired": answered, "outer": set}, has("decrement", 0)},
	{"fragments", false, mtu, nil, behaviour.Pass, map[string]string{
		"too-wide": "outer-fragments", "too-wide-df": "outer-fragments", "above-df": "too-big", "above": "inner-fragments", "above-ipv6": "too-big",
	}, has("largest", 1500-28)},
	{"drops big ones", false, mtu, []string{"drops-big"}, behaviour.Fail, map[string]string{
		"too-wide": "silence", "too-wide-df": "silence", "above-df": "too-big", "above": "inner-fragments",
	}, has("largest", 1400)},
	{"overhead", false, overhead, nil, behaviour.None, nil, has("overhead_512", 28)},
	{"reorders", false, reordering, []string{"reorders=100"}, behaviour.None, map[string]string{"one-flow": changed, "many-flows": changed}, nil},
	{"starves", false, fairness, []string{"starves"}, behaviour.None, nil, has("least_share", 0)},
	{"keeps the order", true, reordering, nil, behaviour.None, map[string]string{"one-flow": "kept", "many-flows": "kept"}, nil},
	{"is fair", true, fairness, nil, behaviour.None, nil, has("starved", 0)},
}

// Each test names devices of known behaviour right.
func TestNamesFaults(t *testing.T) {
	b := openBench(t, "plain")
	b.Settings.Engine = lab.EngineAFPacket // the other takes half a second to open
	if b.LoadTime = 100 * time.Millisecond; *allFaults {
		b.LoadTime, b.Settings.Engine = 0, ""
	}
	for _, k := range knowns {
		if k.long && !*allFaults {
			continue
		}
		t.Run(k.name, func(t *testing.T) {
			b.Device = faulty(t, k.faults...)
			k.check(t, b)
		})
	}
}

// has returns a check for a value.
func has(name string, want float64) func(behaviour.Finding) bool {
	return func(f behaviour.Finding) bool {
		v, ok := f.Value(name)
		return ok && v.Value == want
	}
}

func (k known) check(t *testing.T, b *Bench) {
	t.Helper()
	f := k.test.On(t.Context(), b)
	if f.Verdict != k.verdict || k.values != nil && !k.values(f) {
		t.Errorf("%+v, want %s", f, k.verdict)
	}
	for name, want := range k.facts {
		if got := f.Fact(name); got != want {
			t.Errorf("%s %q, want %q: %+v", name, got, want, f)
		}
	}
}

// A device without a wan link cannot be asked.
func TestUnsupported(t *testing.T) {
	t.Parallel()
	d, err := dut.Parse("wire")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range Tests() {
		if f := test.On(t.Context(), &Bench{Device: d}); f.Verdict != behaviour.Unsupported || f.Why == "" || f.Test != test.Name {
			t.Errorf("%+v", f)
		}
	}
}
