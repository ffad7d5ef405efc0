package lab

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/reports"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// aTrial is a valid second of 1000 frames.
func aTrial(attacked bool, lost uint64, memory, grown int64) reports.LiveTrial {
	return reports.LiveTrial{
		Attacked: attacked, Valid: true, Duration: time.Second, Offered: 1000, Lost: lost, Memory: memory, Grown: grown,
		P50: time.Microsecond, P99: 2 * time.Microsecond,
	}
}

func judged(d reports.LiveDevice) (reports.LiveDevice, []string) {
	d.Tolerance = DefaultTolerance
	judgeAttack(&d)
	return d, kindsOf(AttackReport{LiveDevice: d})
}

// losing are a quiet trial, pairs and a quiet trial, that lost so much.
func losing(first uint64, pairs [][2]uint64, last uint64) (trials []reports.LiveTrial) {
	trials = append(trials, aTrial(false, first, 0, 0))
	for _, p := range pairs {
		trials = append(trials, aTrial(false, p[0], 0, 0), aTrial(true, p[1], 0, 0))
	}
	return append(trials, aTrial(false, last, 0, 0))
}

func TestJudgeLoss(t *testing.T) {
	for name, c := range map[string]struct {
		trials []reports.LiveTrial
		want   []string
	}{
		"nothing lost":          {losing(0, [][2]uint64{{0, 0}, {0, 0}, {0, 0}}, 0), nil},
		"as much as quiet ones": {losing(0, [][2]uint64{{9, 9}, {2, 8}, {4, 10}}, 0), nil},
		"within the tolerance":  {losing(0, [][2]uint64{{1, 3}, {1, 3}, {0, 3}}, 0), nil},
		"once, by the machine":  {losing(0, [][2]uint64{{0, 0}, {0, 700}, {0, 0}}, 0), nil},
		"more":                  {losing(0, [][2]uint64{{1, 4}, {1, 9}, {0, 4}}, 0), []string{reports.LiveLoss}},
		"for good":              {losing(0, [][2]uint64{{0, 1000}, {1000, 1000}, {1000, 1000}}, 1000), []string{reports.LiveLasts, reports.LiveLoss}},
		"before it began":       {losing(500, [][2]uint64{{500, 500}, {400, 500}, {500, 500}}, 500), nil},
	} {
		d, kinds := judged(reports.LiveDevice{Trials: c.trials})
		if !slices.Equal(kinds, c.want) || d.Error != "" {
			t.Errorf("%s: %+v, error %q, want %v", name, d.Findings, d.Error, c.want)
		}
	}
}

// Without enough valid trials there is no verdict, but what was seen for certain stands.
func TestJudgeTooFew(t *testing.T) {
	trials := losing(0, [][2]uint64{{0, 900}, {0, 900}, {0, 900}}, 0)
	for i := range trials {
		trials[i].Valid = i < 2
	}
	if d, kinds := judged(reports.LiveDevice{Trials: trials}); len(kinds) > 0 || !strings.Contains(d.Error, "valid") {
		t.Errorf("%+v, %q", d.Findings, d.Error)
	}
	d := reports.LiveDevice{Trials: trials, Deaths: 1, LastWords: "panic", Answers: reports.Traffic{Frames: 1, Octets: 60}}
	if d, kinds := judged(d); !slices.Equal(kinds, []string{reports.LiveAnswer, reports.LiveDeath}) || d.Error != "" {
		t.Errorf("%+v, %q", d.Findings, d.Error)
	}
	d = reports.LiveDevice{Trials: trials, ICMP: reports.Traffic{Frames: 9, Octets: 900}}
	if _, kinds := judged(d); len(kinds) > 0 {
		t.Errorf("ICMP alone is a finding: %v", kinds)
	}
}

// growing are trials whose memory grows by quiet and by attacked octets by turns.
func growing(what string, quiet, attacked []int64) reports.LiveDevice {
	const start = 10 << 20
	now := int64(start)
	d := reports.LiveDevice{Memory: &reports.LiveMemory{What: what, Before: start}}
	for i := range quiet {
		now += quiet[i]
		d.Trials = append(d.Trials, aTrial(false, 0, now, quiet[i]))
		now += attacked[i]
		d.Trials = append(d.Trials, aTrial(true, 0, now, attacked[i]))
	}
	return d
}

func TestJudgeMemory(t *testing.T) {
	const kib, mib = 1 << 10, 1 << 20
	for name, c := range map[string]struct {
		what            string
		quiet, attacked []int64
		leaks           bool
	}{
		"heap, still":                 {reports.LiveHeap, []int64{100, 0, 0, 0}, []int64{200, 0, 50, 0}, false},
		"heap, a leak":                {reports.LiveHeap, []int64{0, 0, 0, 0}, []int64{300 * kib, 300 * kib, 300 * kib, 300 * kib}, true},
		"heap, given back":            {reports.LiveHeap, []int64{0, -2 * mib, -2 * mib, -2 * mib}, []int64{2 * mib, 2 * mib, 2 * mib, kib}, false},
		"heap, grows without attack":  {reports.LiveHeap, []int64{mib, mib, mib, mib}, []int64{0, 0, 0, 0}, false},
		"resident, once":              {reports.LiveResident, []int64{0, 0, 0, 0}, []int64{8 * mib, 0, 0, 0}, false},
		"resident, a leak":            {reports.LiveResident, []int64{4 * kib, 0, 0, 0}, []int64{mib, mib, mib, mib}, true},
		"resident, always":            {reports.LiveResident, []int64{mib, mib, mib, mib}, []int64{mib, mib, mib, mib}, false},
		"resident, a step of its own": {reports.LiveResident, []int64{4 * mib, 0, 0, 0}, []int64{4 * mib, 4 * mib, 0, 0}, false},
	} {
		d, kinds := judged(growing(c.what, c.quiet, c.attacked))
		if leaks := slices.Contains(kinds, reports.LiveGrowth); leaks != c.leaks {
			t.Errorf("%s: %+v, %+v", name, d.Memory, d.Findings)
		}
	}
}

// Trials fill the time, are no longer than the room for mutants lasts, and are
// never fewer than three of each.
func TestAttackSchedule(t *testing.T) {
	for _, c := range []struct {
		duration time.Duration
		rate     rfc2544.Rate
		length   time.Duration
		pairs    int
	}{
		{10 * time.Second, 50e3, 1250 * time.Millisecond, 3},
		{time.Second, 50e3, shortestTrial, 3},
		{10 * time.Minute, 50e3, 3 * time.Second, 99},
		{10 * time.Second, 1e6, shortestTrial, 19},
	} {
		p := AttackPlan{Duration: c.duration, Rate: c.rate}
		if length, pairs := p.schedule(); length != c.length || pairs != c.pairs {
			t.Errorf("%v at %v: %v, %d pairs", c.duration, c.rate, length, pairs)
		}
	}
}

func TestParseUDP(t *testing.T) {
	const head = "  sl  local_address rem_address   st tx_queue\n"
	text := head + "  113: 020200C0:1292 010200C0:1292 01 00000000:00000000\n  114: 00000000:12B5 00000000:0000 07 0\n"
	if ports, everywhere := parseUDP(text); !slices.Equal(ports, []uint16{4754, 4789}) || !everywhere {
		t.Errorf("%v, %t", ports, everywhere)
	}
	if ports, everywhere := parseUDP(head); ports != nil || everywhere {
		t.Errorf("%v, %t of nothing", ports, everywhere)
	}
	if ports, everywhere := parseUDP(head + " 1: 0000000000000000FFFF000001000000:CA6C 0:0 07\n"); !slices.Equal(ports, []uint16{51820}) || everywhere {
		t.Errorf("%v, %t", ports, everywhere)
	}
}

// Counts are those of the numbers that were sent, by sender, and go on from the
// first when they began again.
func TestSenderAccounts(t *testing.T) {
	s := sender{strange: []bool{true, false}, lengths: []uint16{100, 200, 300}, first: 7}
	got := s.account(5, 1)
	want := sent{all: reports.Traffic{Frames: 5, Octets: 900}, strange: reports.Traffic{Frames: 2, Octets: 400}, repeats: 1, numbers: 3}
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := (&sender{}).account(3, 0); got != (sent{}) {
		t.Errorf("%+v of nothing", got)
	}
}
