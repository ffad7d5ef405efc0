package behaviour

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/reports/result/resulttest"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// sample returns a report with a finding of each verdict.
func sample() *Report {
	at := time.Date(2026, 11, 29, 1, 2, 3, 0, time.UTC)
	least := 40.0
	return &Report{
		Schema: Schema, CPU: "a CPU", Kernel: "6.18", Command: []string{"tunnelbench", "behaviour"}, Started: at, Ended: at.Add(time.Minute),
		Tests: []TestInfo{{"ecn", "the ECN field"}, {"overhead", "octets on the wan"}},
		Devices: []Device{
			{"ours", []Finding{
				{Test: "ecn", Verdict: Pass, Rule: "RFC 6040 section 4", Facts: []Fact{{"mode", "normal"}, {"outer", "copied"}}, Values: []rfc2544.Value{}, Seconds: 1.5},
				{Test: "overhead", Verdict: None, Facts: []Fact{}, Values: []rfc2544.Value{
					{Name: "octets", Unit: "octets/packet", Value: 46, Lower: &least, N: 100, Better: -1}, {Name: "share", Unit: "%", Value: 12.34567, N: 100},
				}},
			}},
			{"theirs", []Finding{
				{Test: "ecn", Verdict: Fail, Rule: "RFC 6040 section 4.2", Why: "CE was lost", Facts: []Fact{}, Values: []rfc2544.Value{}},
				{Test: "overhead", Verdict: NotMeasured, Why: "ended by SIGINT", Facts: []Fact{}, Values: []rfc2544.Value{}},
			}},
			{"wire", []Finding{
				{Test: "ecn", Verdict: Unsupported, Why: "it has no wan link", Facts: []Fact{}, Values: []rfc2544.Value{}},
				{Test: "overhead", Verdict: Unsupported, Why: "it has no wan link", Facts: []Fact{}, Values: []rfc2544.Value{}},
			}},
		},
	}
}

func encode(t *testing.T, r *Report) []byte {
	t.Helper()
	data, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// What is written follows the schema, for an independent reader too, and is read again as it was.
func TestFile(t *testing.T) {
	t.Parallel()
	validate := resulttest.ValidatorOf(t, SchemaJSON())
	long := sample()
	long.Devices[1].Findings[0].Why = strings.Repeat("x", 1<<16)
	for name, r := range map[string]*Report{"sample": sample(), "empty": {}, "a long reason": long} {
		data := encode(t, r)
		if err := validate(data); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		back, err := Read(bytes.NewReader(data), "behaviour.json")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(r.normal(), back); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestSchemaNeedsEveryKey(t *testing.T) {
	t.Parallel()
	if objects := resulttest.CheckSchema(t, SchemaJSON(), "why", "rule", "rounds"); objects != 7 {
		t.Errorf("%d objects seen, want report, tool, test, device, finding, fact and value", objects)
	}
	if !bytes.Contains(SchemaJSON(), []byte(Schema)) {
		t.Error("the schema is of another version")
	}
}

func TestReadRefusesBadFiles(t *testing.T) {
	t.Parallel()
	good := string(encode(t, sample()))
	for _, c := range []struct{ old, new, want string }{
		{"behaviour/1", "behaviour/2", "/schema"},
		{`"fail"`, `"perhaps"`, "/devices/1/findings/0/verdict"},
		{`"why": "CE was lost"`, `"why": ""`, "/devices/1/findings/0/why: has to say why"},
		{`"rule": "RFC 6040 section 4"`, `"rule": ""`, "/devices/0/findings/0/rule: has to name the rule"},
		{`"test": "ecn"`, `"test": "mtu"`, "/devices/0/findings/0/test: is out of order"},
		{`"ended": "2026`, `"ended": "2025`, "/ended: is before /started"},
		{`"seconds": 1.5`, `"seconds": 1.5, "more": 1`, "more"},
		{`"name": "overhead",` + "\n   " + `"doc": "octets on the wan"`, `"name": "overhead", "doc": ""}, {"name": "a third", "doc": ""`, "/devices/0/findings: has 2 findings of 3 tests"},
	} {
		bad := strings.Replace(good, c.old, c.new, 1)
		if bad == good {
			t.Fatalf("%q does not stand in the file:\n%s", c.old, good)
		}
		_, err := Read(strings.NewReader(bad), "behaviour.json")
		if err == nil || !strings.HasPrefix(err.Error(), "behaviour.json: ") || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v, want one line with %q", c.new, err, c.want)
		}
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	const want = `device  ecn          overhead
ours    pass         none
theirs  fail         not-measured
wire    unsupported  unsupported

ours
test      verdict  found
ecn       pass     mode: normal, outer: copied
                   RFC 6040 section 4
overhead  none     octets 46 octets/packet, share 12.35 %

theirs
test      verdict       found
ecn       fail          CE was lost (RFC 6040 section 4.2)
overhead  not-measured  ended by SIGINT

wire
test      verdict      found
ecn       unsupported  it has no wan link
overhead  unsupported  it has no wan link
`
	lines := strings.Split(Text(sample()), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	if diff := cmp.Diff(want, strings.Join(lines, "\n")); diff != "" {
		t.Error(diff)
	}
}

func TestLookups(t *testing.T) {
	t.Parallel()
	r := sample()
	ecn, ok := r.Devices[0].Finding("ecn")
	if !ok || ecn.Fact("mode") != "normal" || ecn.Fact("speed") != "" {
		t.Errorf("%v, %+v", ok, ecn)
	}
	overhead, _ := r.Devices[0].Finding("overhead")
	if v, ok := overhead.Value("octets"); !ok || v.Value != 46 {
		t.Errorf("%v, %+v", ok, v)
	}
	if _, ok := overhead.Value("ounces"); ok {
		t.Error("a value that is not there")
	}
	if _, ok := r.Devices[0].Finding("mtu"); ok {
		t.Error("a finding that is not there")
	}
	for v, want := range map[Verdict]int{Pass: 1, Fail: 1, None: 1, NotMeasured: 1, Unsupported: 2} {
		if got := r.Count(v); got != want {
			t.Errorf("%d findings are %s, want %d", got, v, want)
		}
	}
}
