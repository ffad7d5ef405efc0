package live

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// aTrial returns a valid trial of one second and 1000 frames.
func aTrial(attacked bool, lost uint64, memory, grown int64) Trial {
	return Trial{
		Attacked: attacked, Valid: true, Duration: time.Second, Offered: 1000, Lost: lost, Memory: memory, Grown: grown,
		P50: time.Microsecond, P99: 2 * time.Microsecond,
	}
}

// classified returns d with its findings.
func classified(d DeviceReport) DeviceReport {
	d.Tolerance = DefaultTolerance
	d.classify()
	return d
}

// losing returns a quiet trial, pairs of a quiet and an attacked trial, and a quiet trial, with the given
// lost frames.
func losing(first uint64, pairs [][2]uint64, last uint64) (trials []Trial) {
	trials = append(trials, aTrial(false, first, 0, 0))
	for _, p := range pairs {
		trials = append(trials, aTrial(false, p[0], 0, 0), aTrial(true, p[1], 0, 0))
	}
	return append(trials, aTrial(false, last, 0, 0))
}

func TestClassifyLoss(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		trials []Trial
		want   []string
	}{
		{"nothing lost", losing(0, [][2]uint64{{0, 0}, {0, 0}, {0, 0}}, 0), nil},
		{"as much as quiet ones", losing(0, [][2]uint64{{9, 9}, {2, 8}, {4, 10}}, 0), nil},
		{"within the tolerance", losing(0, [][2]uint64{{1, 3}, {1, 3}, {0, 3}}, 0), nil},
		{"once, by the machine", losing(0, [][2]uint64{{0, 0}, {0, 700}, {0, 0}}, 0), nil},
		{"more", losing(0, [][2]uint64{{1, 4}, {1, 9}, {0, 4}}, 0), []string{FindLoss}},
		{"for good", losing(0, [][2]uint64{{0, 1000}, {1000, 1000}, {1000, 1000}}, 1000), []string{FindLasts, FindLoss}},
		{"before it began", losing(500, [][2]uint64{{500, 500}, {400, 500}, {500, 500}}, 500), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := classified(DeviceReport{Trials: c.trials})
			if diff := cmp.Diff(c.want, kindsOf(d)); diff != "" || d.Error != "" {
				t.Errorf("error %q, findings (-want +got):\n%s", d.Error, diff)
			}
		})
	}
}

// disturb returns trials, the attacked or the quiet ones of which the machine disturbed but for cleanTime
// tenths of their frames; in that time they lost so many of a thousand frames. Half of the time a core was
// away.
func disturb(trials []Trial, attacked bool, cleanTime, lost uint64) []Trial {
	for i := range trials {
		if t := &trials[i]; t.Attacked == attacked {
			t.Disturbed = rfc2544.Reasons{rfc2544.Because(rfc2544.OtherPrograms, "another program (sh) ran on cpu 1 for 480ms of 1s")}
			half := 0.5
			t.Taken = &half
			n := t.Offered * cleanTime / 10
			t.Clean = &rfc2544.Clean{Offered: n, Received: n - n*lost/1000}
		}
	}
	return trials
}

// Loss that the busy machine explains is no finding of the device, and no pass.
func TestClassifyLossOfABusyMachine(t *testing.T) {
	t.Parallel()
	steady := func() []Trial { return losing(0, [][2]uint64{{0, 0}, {0, 0}, {0, 0}}, 0) }
	lossy := func() []Trial { return losing(0, [][2]uint64{{0, 300}, {0, 300}, {0, 300}}, 0) }
	after := func() []Trial { return losing(0, [][2]uint64{{0, 300}, {300, 300}, {300, 300}}, 300) }
	all := func() []Trial { return losing(0, [][2]uint64{{0, 990}, {0, 1000}, {0, 1000}}, 0) }
	undisturbed := func(trials []Trial, n int) []Trial { // the first n
		for i := range trials[:n] {
			trials[i].Disturbed, trials[i].Clean, trials[i].Taken = nil, nil, new(float64)
		}
		return trials
	}
	unknown := func(trials []Trial) []Trial { // as the engine afpacket measures
		for i := range trials {
			trials[i].Clean, trials[i].Taken = nil, nil
		}
		return trials
	}
	const noVerdict = "another program (sh) ran on cpu 1"
	for _, c := range []struct {
		name   string
		trials []Trial
		want   []string
		err    string
	}{
		{"no clean time", disturb(lossy(), true, 0, 0), nil, noVerdict},
		{"nothing lost in clean time", disturb(lossy(), true, 5, 0), nil, noVerdict},
		{"as much lost in clean time", disturb(lossy(), true, 5, 300), []string{FindLoss}, ""},
		{"quiet ones lose as much in clean time", disturb(disturb(lossy(), true, 5, 300), false, 5, 300), nil, noVerdict},
		{"no account of clean time", unknown(disturb(lossy(), true, 5, 300)), nil, noVerdict},
		{"most trials are steady", undisturbed(disturb(lossy(), true, 0, 0), 5), []string{FindLoss}, ""},
		{"lasting loss, disturbed as much before", disturb(disturb(after(), true, 0, 0), false, 0, 0), []string{FindLasts}, noVerdict},
		{"lasting loss, disturbed only then", undisturbed(disturb(disturb(after(), true, 0, 0), false, 0, 0), 2), nil, noVerdict},
		{"lasting loss, each of two reasons is said", undisturbed(disturb(disturb(after(), true, 0, 0), false, 0, 0), 2), nil, "quiet trials after the attack began lose"},
		{"lasting loss in clean time", undisturbed(disturb(disturb(after(), true, 5, 300), false, 5, 300), 2), []string{FindLasts, FindLoss}, ""},
		{"lasting loss, no account of the time taken", unknown(disturb(disturb(after(), true, 0, 0), false, 0, 0)), nil, noVerdict},
		{"lasting loss, disturbed only before", undisturbed(after(), 8), []string{FindLasts, FindLoss}, ""},
		{"all lost, no account of the time taken", unknown(disturb(all(), true, 0, 0)), nil, noVerdict},
		{"all lost, undisturbed", unknown(all()), []string{FindLoss}, ""},
		{"more lost than the time that was taken", disturb(all(), true, 0, 0), []string{FindLoss}, ""},
		{"disturbed, and nothing lost", disturb(steady(), true, 0, 0), nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := classified(DeviceReport{Trials: c.trials})
			if diff := cmp.Diff(c.want, kindsOf(d)); diff != "" || !strings.Contains(d.Error, c.err) || (c.err == "") != (d.Error == "") {
				t.Errorf("error %q, findings (-want +got):\n%s", d.Error, diff)
			}
		})
	}
}

// Without enough valid trials there is no verdict on loss; findings that need no comparison remain.
func TestClassifyTooFew(t *testing.T) {
	t.Parallel()
	trials := losing(0, [][2]uint64{{0, 900}, {0, 900}, {0, 900}}, 0)
	for i := range trials {
		trials[i].Valid = i < 2
	}
	for _, c := range []struct {
		name   string
		device DeviceReport
		want   []string
		err    string
	}{
		{"loss alone", DeviceReport{}, nil, "2 quiet and 0 attacked trials were valid: want 3 of each"},
		{"a cookie for a handshake message", DeviceReport{Protocol: "wireguard", Answers: Traffic{1, 106}, Cookies: Traffic{1, 106}, Unknown: Traffic{1, 190}}, nil, "2 quiet and 0 attacked trials were valid: want 3 of each"},
		{"an answer longer than the question", DeviceReport{Protocol: "wireguard", Answers: Traffic{1, 200}, Cookies: Traffic{1, 200}, Unknown: Traffic{1, 190}}, []string{FindAnswer}, ""},
		{"two answers to one question", DeviceReport{Protocol: "wireguard", Answers: Traffic{2, 100}, Cookies: Traffic{2, 100}, Unknown: Traffic{1, 190}}, []string{FindAnswer}, ""},
		{"a short answer that is no cookie", DeviceReport{Protocol: "wireguard", Answers: Traffic{2, 146}, Cookies: Traffic{1, 106}, Unknown: Traffic{9, 1710}}, []string{FindAnswer}, ""},
		{"a cookie of a tunnel without cookies", DeviceReport{Answers: Traffic{1, 106}, Cookies: Traffic{1, 106}, Unknown: Traffic{1, 190}}, []string{FindAnswer}, ""},
		{"a death and answers", DeviceReport{Deaths: 1, StderrTail: "panic", Answers: Traffic{1, 60}}, []string{FindAnswer, FindDeath}, ""},
		{"ICMP alone", DeviceReport{ICMP: Traffic{9, 900}}, nil, "2 quiet and 0 attacked trials were valid: want 3 of each"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.device.Trials = trials
			d := classified(c.device)
			if diff := cmp.Diff(c.want, kindsOf(d)); diff != "" || !strings.HasPrefix(d.Error, c.err) || (c.err == "") != (d.Error == "") {
				t.Errorf("error %q, want %q; findings (-want +got):\n%s", d.Error, c.err, diff)
			}
		})
	}
}

// growing returns pairs of trials with the given memory growth in bytes.
func growing(what string, quiet, attacked []int64) DeviceReport {
	const start = 10 << 20
	now := int64(start)
	d := DeviceReport{Memory: &Memory{What: what, Before: start}}
	for i := range quiet {
		now += quiet[i]
		d.Trials = append(d.Trials, aTrial(false, 0, now, quiet[i]))
		now += attacked[i]
		d.Trials = append(d.Trials, aTrial(true, 0, now, attacked[i]))
	}
	return d
}

func TestClassifyMemory(t *testing.T) {
	t.Parallel()
	const kib, mib = 1 << 10, 1 << 20
	leak := []string{FindGrowth}
	for _, c := range []struct {
		name, what      string
		quiet, attacked []int64
		want            []string
	}{
		{"heap, still", HeapMemory, []int64{100, 0, 0, 0}, []int64{200, 0, 50, 0}, nil},
		{"heap, a leak", HeapMemory, []int64{0, 0, 0, 0}, []int64{300 * kib, 300 * kib, 300 * kib, 300 * kib}, leak},
		{"heap, given back", HeapMemory, []int64{0, -2 * mib, -2 * mib, -2 * mib}, []int64{2 * mib, 2 * mib, 2 * mib, kib}, nil},
		{"heap, grows without attack", HeapMemory, []int64{mib, mib, mib, mib}, []int64{0, 0, 0, 0}, nil},
		{"resident, once", ResidentMemory, []int64{0, 0, 0, 0}, []int64{8 * mib, 0, 0, 0}, nil},
		{"resident, a leak", ResidentMemory, []int64{4 * kib, 0, 0, 0}, []int64{mib, mib, mib, mib}, leak},
		{"resident, always", ResidentMemory, []int64{mib, mib, mib, mib}, []int64{mib, mib, mib, mib}, nil},
		{"resident, a step of its own", ResidentMemory, []int64{4 * mib, 0, 0, 0}, []int64{4 * mib, 4 * mib, 0, 0}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := classified(growing(c.what, c.quiet, c.attacked))
			if diff := cmp.Diff(c.want, kindsOf(d)); diff != "" {
				t.Errorf("%+v, findings (-want +got):\n%s", d.Memory, diff)
			}
		})
	}
}

// Trials fill the plan's time, are no longer than the memory for mutants allows, and are at least three of
// each kind.
func TestSchedule(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		duration time.Duration
		rate     rfc2544.Rate
		length   time.Duration
		pairs    int
	}{
		{"usual", 10 * time.Second, 50e3, 1250 * time.Millisecond, 3},
		{"short", time.Second, 50e3, minTrial, 3},
		{"long", 10 * time.Minute, 50e3, 3 * time.Second, 99},
		{"fast", 10 * time.Second, 1e6, minTrial, 19},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if length, pairs := (Plan{Duration: c.duration, Rate: c.rate}).schedule(); length != c.length || pairs != c.pairs {
				t.Errorf("%v, %d pairs; want %v, %d", length, pairs, c.length, c.pairs)
			}
		})
	}
}

func TestParseUDP(t *testing.T) {
	t.Parallel()
	const head = "  sl  local_address rem_address   st tx_queue\n"
	for _, c := range []struct {
		name, text string
		ports      []uint16
		anyAddress bool
	}{
		{"two", head + "  113: 020200C0:1292 010200C0:1292 01 00000000:00000000\n  114: 00000000:12B5 00000000:0000 07 0\n", []uint16{4754, 4789}, true},
		{"none", head, nil, false},
		{"IPv6", head + " 1: 0000000000000000FFFF000001000000:CA6C 0:0 07\n", []uint16{51820}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ports, anyAddress := parseUDP(c.text)
			if diff := cmp.Diff(c.ports, ports); diff != "" || anyAddress != c.anyAddress {
				t.Errorf("any address: %t, want %t; ports (-want +got):\n%s", anyAddress, c.anyAddress, diff)
			}
		})
	}
}

// The sums follow the numbers of the mutants sent, by sender. After the last loaded mutant the first is
// sent again.
func TestSenderAccounts(t *testing.T) {
	t.Parallel()
	s := sender{unknown: []bool{true, false}, lengths: []uint16{100, 200, 300}, first: 7}
	want := Sent{All: Traffic{5, 900}, Unknown: Traffic{2, 400}, Repeats: 1, Used: 3}
	if diff := cmp.Diff(want, s.account(5, 1)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(Sent{}, (&sender{}).account(3, 0)); diff != "" {
		t.Errorf("of nothing (-want +got):\n%s", diff)
	}
}
