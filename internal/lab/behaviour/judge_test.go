package behaviour

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/reports/behaviour"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

func TestJudgeECN(t *testing.T) {
	t.Parallel()
	normal, never := [4]uint8{notECT, ect1, ect0, ce}, [4]uint8{}
	forwards := egress6040
	forwards[notECT][ce] = notECT // a mark on a packet of a host that does not know marks
	for name, c := range map[string]struct {
		seen            ecnSeen
		verdict         behaviour.Verdict
		ingress, egress string
		why             string
	}{
		"normal":                        {ecnSeen{outer: normal, inner: egress6040}, behaviour.Pass, "normal", "rfc6040", ""},
		"compatibility":                 {ecnSeen{outer: never, inner: egress6040}, behaviour.Pass, "compatibility", "rfc6040", ""},
		"limited functionality":         {ecnSeen{outer: never, inner: egressIgnores}, behaviour.Pass, "compatibility", "ignores", ""},
		"marks are lost":                {ecnSeen{outer: normal, inner: egressIgnores}, behaviour.Fail, "normal", "ignores", "an inner Not-ECT below an outer CE becomes Not-ECT, not no packet"},
		"CE becomes ECT(0)":             {ecnSeen{outer: [4]uint8{notECT, ect1, ect0, ect0}, inner: egress6040}, behaviour.Fail, "rfc3168", "rfc6040", "an inner CE leaves with an outer ECT(0)"},
		"a QUIC connection":             {ecnSeen{outer: [4]uint8{ect0, ect0, ect0, ect0}, inner: egressIgnores}, behaviour.None, own, "", "uses it for its own"},
		"ECT(1) is lost":                {ecnSeen{outer: [4]uint8{notECT, notECT, ect0, ce}, inner: egress6040}, behaviour.Fail, other, "rfc6040", "an inner ECT(1) leaves with an outer Not-ECT"},
		"an illegal one is not dropped": {ecnSeen{outer: never, inner: forwards}, behaviour.Fail, "compatibility", other, "an inner Not-ECT below an outer CE becomes Not-ECT, not no packet"},
		"no tunnel":                     {ecnSeen{bare: true}, behaviour.None, bare, "", ""},
		"lost":                          {ecnSeen{missed: true}, behaviour.NotMeasured, "", "", "did not arrive"},
	} {
		f := judgeECN(c.seen)
		if f.Verdict != c.verdict || f.Fact("ingress") != c.ingress || f.Fact("egress") != c.egress || !strings.Contains(f.Why, c.why) || (c.why == "") != (f.Why == "") {
			t.Errorf("%s: %+v, want %s, %q, %q, %q", name, f, c.verdict, c.ingress, c.egress, c.why)
		}
	}
}

// The field is set and read in both versions of IP, and the checksum of IPv4 stays right.
func TestSetECN(t *testing.T) {
	t.Parallel()
	for _, six := range []bool{false, true} {
		for mark := range uint8(4) {
			frame := Probe{Length: 100, Class: 46<<2 | 1, IPv6: six}.frame(9)
			setECN(frame[ethernetHeader:], mark)
			if p := parse(frame); p.ECN() != mark || p.DSCP() != 46 || classOf(frame[ethernetHeader:]) != 46<<2|mark {
				t.Errorf("IPv6 %v, %d: %+v", six, mark, p)
			}
			want := Probe{Length: 100, Class: 46<<2 | mark, IPv6: six}.frame(9)
			if !slices.Equal(frame, want) {
				t.Errorf("IPv6 %v, %d: % x, want % x", six, mark, frame[:40], want[:40])
			}
		}
	}
}

func TestJudgeTTL(t *testing.T) {
	t.Parallel()
	answer := []outcome{{how: tooOld}, {how: tooOld}}
	good := ttlSeen{carried: true, hops: 2, outer: [2]uint8{64, 64}, expired: answer}
	with := func(change func(*ttlSeen)) ttlSeen {
		s := good
		change(&s)
		return s
	}
	for name, c := range map[string]struct {
		four, six  ttlSeen
		verdict    behaviour.Verdict
		outer, old string
		why        string
	}{
		"two routers":  {good, good, behaviour.Pass, set, answered, ""},
		"no IPv6":      {good, ttlSeen{}, behaviour.Pass, set, answered, ""},
		"inherited":    {with(func(s *ttlSeen) { s.outer[1] = 199 }), ttlSeen{}, behaviour.Pass, copied, answered, ""},
		"no tunnel":    {with(func(s *ttlSeen) { s.bare = true }), ttlSeen{}, behaviour.Pass, bare, answered, ""},
		"kept":         {with(func(s *ttlSeen) { s.hops = 0 }), good, behaviour.Fail, set, answered, "IPv4"},
		"kept in IPv6": {good, with(func(s *ttlSeen) { s.hops = 0 }), behaviour.Fail, set, answered, "IPv6"},
		"silent":       {with(func(s *ttlSeen) { s.expired = []outcome{{how: tooOld}, {how: noAnswer}} }), good, behaviour.Fail, set, silent, "told nothing"},
		"passes":       {with(func(s *ttlSeen) { s.expired = []outcome{{how: whole}} }), good, behaviour.Fail, set, passed, "expire pass"},
		"lost":         {ttlSeen{}, ttlSeen{}, behaviour.NotMeasured, "", "", "did not arrive"},
	} {
		f := judgeTTL(c.four, c.six)
		if f.Verdict != c.verdict || f.Fact("outer") != c.outer || f.Fact("expired") != c.old || !strings.Contains(f.Why, c.why) || (c.why == "") != (f.Why == "") {
			t.Errorf("%s: %+v, want %s, %q, %q, %q", name, f, c.verdict, c.outer, c.old, c.why)
		}
		if got := f.Fact("expired_ipv6") == notThere; f.Verdict != behaviour.NotMeasured && got == c.six.carried {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

func TestJudgeMTU(t *testing.T) {
	t.Parallel()
	good := mtuSeen{
		largest: 1440, wide: outcome{how: outerFragments}, wideDF: outcome{how: outerFragments},
		fitting: outcome{how: innerFragments}, fittingDF: outcome{tooBig, 1440}, fitting6: outcome{tooBig, 1440}, toldPasses: true,
	}
	with := func(change func(*mtuSeen)) mtuSeen {
		s := good
		change(&s)
		return s
	}
	for name, c := range map[string]struct {
		seen    mtuSeen
		verdict behaviour.Verdict
		why     string
	}{
		"fragments and answers": {good, behaviour.Pass, ""},
		"refuses the MTU":       {with(func(s *mtuSeen) { s.refused, s.wide, s.wideDF = true, outcome{}, outcome{} }), behaviour.Pass, ""},
		"black hole":            {with(func(s *mtuSeen) { s.wideDF = outcome{how: noAnswer} }), behaviour.Fail, "with DF that fills"},
		"loses without DF":      {with(func(s *mtuSeen) { s.fitting = outcome{how: noAnswer} }), behaviour.Fail, "a packet above"},
		"loses IPv6":            {with(func(s *mtuSeen) { s.fitting6 = outcome{how: noAnswer} }), behaviour.Fail, "IPv6"},
		"tells too much":        {with(func(s *mtuSeen) { s.fittingDF.mtu, s.toldPasses = 1500, false }), behaviour.Fail, "an MTU of 1500"},
		"tells nothing":         {with(func(s *mtuSeen) { s.fittingDF.mtu, s.toldPasses = 0, false }), behaviour.Fail, "an MTU of 0"},
		"carries nothing":       {mtuSeen{}, behaviour.NotMeasured, "576"},
		"cuts what it must not": {with(func(s *mtuSeen) { s.wideDF = outcome{how: innerFragments} }), behaviour.Fail, "which it must not be"},
		"cuts IPv6":             {with(func(s *mtuSeen) { s.fitting6 = outcome{how: innerFragments} }), behaviour.Fail, "an IPv6 packet"},
		"tells something else":  {with(func(s *mtuSeen) { s.fittingDF = outcome{how: refused} }), behaviour.Fail, "does not say that it is too big"},
		"cuts what it may":      {with(func(s *mtuSeen) { s.wide = outcome{how: innerFragments} }), behaviour.Pass, ""},
	} {
		f := judgeMTU(c.seen)
		if f.Verdict != c.verdict || !strings.Contains(f.Why, c.why) || (c.why == "") != (f.Why == "") {
			t.Errorf("%s: %+v, want %s, %q", name, f, c.verdict, c.why)
		}
		if f.Fact("too-wide") != string(c.seen.wide.how) || f.Fact("above-df") != string(c.seen.fittingDF.how) {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

// What became of a probe follows from what was heard.
func TestOutcome(t *testing.T) {
	t.Parallel()
	arrived := []Packet{{Version: 4, Number: 7}}
	for name, c := range map[string]struct {
		heard Heard
		want  outcome
	}{
		"passes":              {Heard{Far: arrived, Wan: []Packet{{Version: 4}}}, outcome{how: whole}},
		"another passes":      {Heard{Far: []Packet{{Version: 4, Number: 6}}}, outcome{how: noAnswer}},
		"outer fragments":     {Heard{Far: arrived, Wan: []Packet{{Version: 4, MF: true}, {Version: 4, Offset: 1480}}}, outcome{how: outerFragments}},
		"inner fragments":     {Heard{Far: []Packet{{Version: 4, ID: 7, MF: true}, {Version: 4, ID: 7, Offset: 1416}}}, outcome{how: innerFragments}},
		"half of them":        {Heard{Far: []Packet{{Version: 4, ID: 7, MF: true}}}, outcome{how: noAnswer}},
		"another's fragments": {Heard{Far: []Packet{{Version: 4, ID: 8, MF: true}, {Version: 4, ID: 8, Offset: 1416}}}, outcome{how: noAnswer}},
		"too big":             {Heard{Near: []Packet{{Version: 4}, {Version: 4, Error: &ICMPError{TooBig, 1440}}}}, outcome{tooBig, 1440}},
		"too old":             {Heard{Near: []Packet{{Version: 6, Error: &ICMPError{Kind: TimeExceeded}}}}, outcome{how: tooOld}},
		"no route":            {Heard{Near: []Packet{{Version: 4, Error: &ICMPError{Kind: OtherError}}}}, outcome{how: refused}},
	} {
		c.heard.First = 7
		if got := c.heard.outcome(); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestJudgeOverhead(t *testing.T) {
	t.Parallel()
	costs := []wanCost{{64, 100, 46 + 60, 1}, {1518, 100, 1500 + 60, 1}}
	for book, want := range map[int]string{0: "", 60: "as the book", 61: "less", 59: "more"} {
		f := judgeOverhead(costs, book)
		v, ok := f.Value("overhead_64")
		share, _ := f.Value("share_1518")
		if f.Verdict != behaviour.None || f.Fact("book") != want || !ok || v.Value != 60 || share.Value != 1.04 || v.N != 100 {
			t.Errorf("%d: %+v, want %q", book, f, want)
		}
	}
	f := judgeOverhead([]wanCost{costs[0], {frame: 1518}}, 60)
	if _, ok := f.Value("overhead_1518"); ok || f.Fact("1518") != "does not pass" || f.Fact("book") != "as the book" || f.Verdict != behaviour.None {
		t.Errorf("%+v of large frames that do not pass", f)
	}
	if f := judgeOverhead(nil, 60); f.Verdict != behaviour.None || f.Values != nil {
		t.Errorf("%+v of nothing", f)
	}
}

func TestJudgeOrder(t *testing.T) {
	t.Parallel()
	came := loadgen.StreamLedger{Counts: rfc2544.Counts{Received: 1000, Late: 1000}, Span: time.Second}
	mixed := came
	mixed.Reordered = 4
	f := judgeOrder(came, mixed)
	v, _ := f.Value("reordered_many-flows")
	if f.Verdict != behaviour.None || f.Fact("one-flow") != "kept" || f.Fact("many-flows") != changed || v.Value != 2000 || v.N != 2000 {
		t.Errorf("%+v", f)
	}
	if f := judgeOrder(came, loadgen.StreamLedger{}); f.Verdict != behaviour.NotMeasured {
		t.Errorf("%+v of no frames", f)
	}
}

func TestJudgeFairness(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		flows      []uint64
		verdict    behaviour.Verdict
		overloaded string
		jain       float64
		starved    float64
	}{
		"even":           {[]uint64{100, 100, 100, 100}, behaviour.None, "yes", 1, 0},
		"one starves":    {[]uint64{100, 100, 100, 0}, behaviour.None, "yes", 0.75, 1},
		"one has all":    {[]uint64{0, 0, 0, 400}, behaviour.None, "yes", 0.25, 3},
		"no overload":    {[]uint64{1000, 1000, 1000, 990}, behaviour.None, "no", 0.99998, 0},
		"too few frames": {[]uint64{9, 9, 9, 9}, behaviour.NotMeasured, "", 0, 0},
		"none":           {nil, behaviour.NotMeasured, "", 0, 0},
	} {
		f := judgeFairness(loadgen.StreamLedger{Counts: rfc2544.Counts{Offered: 4000}, Flows: c.flows})
		index, _ := f.Value("jain")
		starved, _ := f.Value("starved")
		if f.Verdict != c.verdict || f.Fact("overloaded") != c.overloaded || math.Abs(index.Value-c.jain) > 1e-5 || starved.Value != c.starved {
			t.Errorf("%s: %+v, want %+v", name, f, c)
		}
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	found, err := Find([]string{"ttl", "mtu"})
	if err != nil || !slices.Equal(Names(found), []string{"mtu", "ttl"}) {
		t.Errorf("%v, %v", Names(found), err)
	}
	if _, err := Find([]string{"mtu", "speed"}); err == nil || !strings.Contains(err.Error(), `"speed"`) {
		t.Errorf("%v for an unknown test", err)
	}
	seen := map[string]bool{}
	for _, test := range Tests() {
		if test.Name == "" || test.Doc == "" || test.Takes <= 0 || test.Run == nil || seen[test.Name] {
			t.Errorf("%+v is not complete, or comes twice", test)
		}
		seen[test.Name] = true
	}
}
