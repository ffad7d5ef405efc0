package behaviour

import (
	"testing"

	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/behaviour"
)

// known is what a test has to find out about a device.
type known struct {
	test    Test
	faults  []string
	verdict behaviour.Verdict
	facts   map[string]string
	values  func(behaviour.Finding) bool // nil: not looked at
}

// Each test names devices of known behaviour right.
func TestNamesFaults(t *testing.T) {
	b := openBench(t, "plain")
	for name, k := range map[string]known{
		"no fault, ecn": {ecn, nil, behaviour.Pass, map[string]string{"ingress": "normal", "egress": "rfc6040", "mark": "carried", "mark-on-not-ect": "dropped"}, nil},
		"no ecn":        {ecn, []string{"no-ecn"}, behaviour.Pass, map[string]string{"ingress": "compatibility", "egress": "ignores", "mark": "lost"}, nil},
		"mark lost":     {ecn, []string{"mark-lost"}, behaviour.Fail, map[string]string{"ingress": "normal", "egress": "ignores", "mark": "lost"}, nil},
		"dscp copied":   {dscp, []string{"dscp-copied"}, behaviour.None, map[string]string{"outer": copied, "inner": copied}, nil},
		"dscp cleared":  {dscp, []string{"dscp-cleared"}, behaviour.None, map[string]string{"outer": zero, "inner": zero}, nil},
		"ttl kept":      {ttl, []string{"ttl-kept"}, behaviour.Fail, map[string]string{"expired": answered, "outer": set}, has("decrement", 0)},
		"fragments": {mtu, nil, behaviour.Pass, map[string]string{
			"too-wide": "outer-fragments", "too-wide-df": "outer-fragments", "above-df": "too-big", "above": "inner-fragments", "above-ipv6": "too-big",
		}, has("largest", 1500-28)},
		"drops big ones": {mtu, []string{"drops-big"}, behaviour.Fail, map[string]string{"too-wide": "silence", "too-wide-df": "silence", "above-df": "too-big"}, has("largest", 1400)},
		"overhead":       {overhead, nil, behaviour.None, nil, has("overhead_512", 28)},
		"reorders": {reordering, []string{"reorders=100"}, behaviour.None, map[string]string{"one-flow": changed, "many-flows": changed}, func(f behaviour.Finding) bool {
			v, ok := f.Value("reordered_one-flow")
			return ok && v.Value > 1000 // the 10,000 of the device, less what was lost beside
		}},
		"starves": {fairness, []string{"starves"}, behaviour.None, nil, func(f behaviour.Finding) bool {
			least, ok := f.Value("least_share")
			return ok && least.Value == 0
		}},
	} {
		t.Run(name, func(t *testing.T) {
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
