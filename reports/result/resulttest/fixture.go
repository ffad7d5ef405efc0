package resulttest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Fixture returns a typical run: calibration, three working tunnels, one that cannot run here and
// one that dies at the largest frame size.
func Fixture() *result.Results {
	r := &result.Results{
		Schema:  result.Schema,
		Tool:    result.Tool{Version: "v0.1.0", Commit: "3f2a9c1d7b", Go: "go1.26.0"},
		Command: []string{"tunnelbench", "run", "--dut", "vxlan,reference,wireguard-go,exec:./my tunnel.sh", "--sizes", "64,512,1518", "--seed", "7"},
		Profile: "quick", Seed: 7, Link: rfc2544.Gigabit,
		Started: time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC),
		Ended:   time.Date(2026, 3, 1, 9, 33, 12, 0, time.UTC),
		Conditions: result.Conditions{
			LossTimeout: 50 * time.Millisecond, IPVersion: 4, Flows: 1, Networks: 1,
		},
		Host: result.Host{
			CPU: "AMD EPYC 9R14", Kernel: "6.18.1", Arch: "amd64", Cores: 2, CPUPlan: "tester 0, tunnel 1, spinner 1",
			Offloads: map[string]string{"lan": "off", "wan": "gso,gro,tso on"},
			Sysctls:  map[string]string{"net.core.rmem_max": "7500000", "net.core.netdev_max_backlog": "1000"},
			Changed:  []string{"net.core.rmem_max 212992 -> 7500000"},
			Virtual:  "kvm", Notes: []string{"super-packets crossed the wan"},
		},
	}
	gen := rand.New(rand.NewPCG(7, 7))
	duts := []struct {
		name, kind string
		pps, perKB float64 // seconds per frame: 1/pps plus perKB for each kilobyte
		p50, cpu   float64
	}{
		{result.WireDUT, result.KindCalibration, 3.9e6, 2e-8, 1800, 0},
		{result.PlainDUT, result.KindCalibration, 1.6e6, 8e-8, 5200, 610},
		{"vxlan", result.KindPlain, 812e3, 1.4e-7, 9100, 1240},
		{"reference", result.KindPlain, 1.02e6, 1.9e-7, 14200, 980},
		{"exec:gre.sh", result.KindPlain, 0, 0, 0, 0},
		{"wireguard-go", result.KindSealed, 164e3, 1.1e-6, 58000, 7350},
		{"exec:my tunnel", result.KindSealed, 88e3, 2.1e-6, 91000, 12100},
	}
	for _, size := range []rfc2544.FrameSize{64, 512, 1518} {
		mol, floor := rfc2544.Rate(4.1e6-float64(size)*300), 1700*time.Nanosecond
		r.Calibration = append(r.Calibration, result.Calibration{FrameSize: size, MOL: &mol, WireP50: &floor})
		for _, d := range duts {
			base := result.Result{DUT: d.name, Kind: d.kind, FrameSize: size, Direction: "forward", Valid: true, LimitedBy: result.LimitedByDUT}
			switch {
			case d.pps == 0:
				base.Test, base.Valid, base.LimitedBy = "rate", false, ""
				base.Unsupported = "the script ended with status 127: ip: unknown link type gre"
				r.Results = append(r.Results, base)
				continue
			case d.name == "exec:my tunnel" && size == 1518:
				base.Test, base.Valid, base.LimitedBy = "rate", false, ""
				base.Error = "right side ended with status 2 during trial 4: panic: slice bounds out of range"
				r.Results = append(r.Results, base)
				continue
			case d.name == result.WireDUT:
				base.LimitedBy = result.LimitedByTester
			}
			capacity := 1 / (1/d.pps + d.perKB*float64(size)/1000)
			r.Results = append(r.Results, RateResult(gen, base, capacity), LatencyResult(gen, base, capacity, d.p50*(1+float64(size)/3000), d.cpu))
		}
	}
	r.Results[5].Warnings = append(r.Results[5].Warnings, "the receive path of the tunnel ran on the tester's core for 12 % of the time")
	r.Results[len(r.Results)-2].Valid = false
	r.Results[len(r.Results)-2].Warnings = []string{"3 trials, none valid: stalls took 7.1 % of the time"}
	return r
}

// RateResult returns res with the trials and values of a rate search.
func RateResult(gen *rand.Rand, res result.Result, capacity float64) result.Result {
	res.Test = rfc2544.NameRate
	res.Shortfalls = []rfc2544.Shortfall{{What: rfc2544.TrialDuration, Got: "1s", Asked: "1m0s", Section: "RFC 2544 section 24"}}
	lower, upper := capacity*0.997, capacity*1.003
	res.Values = []rfc2544.Value{
		{Name: "pdr", Unit: "fps", Value: lower, Lower: &lower, Upper: &upper, N: 21, Better: 1},
		{Name: "conditional_throughput_pdr", Unit: "fps", Value: lower * 0.998, N: 21, Better: 1},
	}
	res.Trials = append(res.Trials, observe(gen, rfc2544.Flood, capacity*1.2, capacity, 200*time.Millisecond))
	lo, hi := 0.0, capacity*1.6
	for i := range 14 {
		at := (lo + hi) / 2
		o := observe(gen, rfc2544.Rate(at), at, capacity, time.Second)
		if i == 6 {
			o.Valid = false
			o.Warnings = []string{"one stall of 31 ms"}
		}
		res.Trials = append(res.Trials, o)
		if at > capacity {
			hi = at
		} else {
			lo = at
		}
	}
	return res
}

// LatencyResult returns res with the trials and values of a latency test.
func LatencyResult(gen *rand.Rand, res result.Result, capacity, p50, cpu float64) result.Result {
	res.Test = rfc2544.NameLatency
	res.Shortfalls = []rfc2544.Shortfall{
		{What: "load", Got: "half of the rate found", Asked: "the throughput", Section: "RFC 2544 section 26.2"},
		{What: rfc2544.TrialDuration, Got: "1s", Asked: "2m0s", Section: "RFC 2544 section 26.2"},
		{What: "runs", Got: "3", Asked: "20", Section: "RFC 2544 section 26.2"},
	}
	add := func(name string, v float64) {
		lower, upper := v*0.97, v*1.04
		res.Values = append(res.Values, rfc2544.Value{Name: name, Unit: "ns", Value: v, Lower: &lower, Upper: &upper, N: 3, Better: -1})
	}
	for _, suffix := range []string{"", "_5kpps"} {
		for _, q := range []struct {
			name   string
			factor float64
		}{{"min", 0.6}, {"p50", 1}, {"p90", 1.9}, {"p99", 4.4}, {"p999", 22}, {"max", 160}} {
			add("latency_"+q.name+suffix, math.Round(p50*q.factor))
		}
		add("latency_quiet_p50"+suffix, math.Round(p50*0.97))
		add("latency_quiet_p99"+suffix, math.Round(p50*2.3))
	}
	if cpu > 0 {
		add("cpu_ns_per_frame", cpu)
	}
	for range 3 {
		o := observe(gen, rfc2544.Rate(capacity/2), capacity/2, capacity, time.Second)
		o.CPUPerFrame = &cpu
		if base := res.DUT; base != "vxlan" && base != result.WireDUT && base != result.PlainDUT {
			process, user := 0.8*cpu, 0.3*cpu
			o.ProcessCPU, o.UserCPU = &process, &user
		}
		o.Latency = spread(p50, o.Received)
		o.LatencyQuiet = spread(p50*0.97, o.Received*9/10)
		res.Trials = append(res.Trials, o)
	}
	return res
}

func spread(p50 float64, n uint64) *rfc2544.Distribution {
	at := func(f float64) time.Duration { return time.Duration(p50 * f) }
	return &rfc2544.Distribution{N: n, Min: at(0.6), P50: at(1), P90: at(1.9), P99: at(4.4), P999: at(22), Max: at(160)}
}

// observe returns a trial of a device that forwards up to capacity and drops the rest.
func observe(gen *rand.Rand, intended rfc2544.Rate, rate, capacity float64, d time.Duration) rfc2544.Observation {
	sent := uint64(rate * d.Seconds())
	passed := min(sent, uint64(capacity*d.Seconds()))
	lost := sent - passed
	o := rfc2544.Observation{
		IntendedLoad: intended, Counts: rfc2544.Counts{Offered: sent, Received: passed, Lost: lost}, Duration: d, Valid: true,
		Lateness: spread(200, sent), Drops: rfc2544.Drops{},
		Stalls: []rfc2544.Stall{{At: d / 3, Length: time.Duration(gen.IntN(4)) * time.Millisecond, CPU: 1, Side: rfc2544.SideDUT}},
	}
	if !intended.IsFlood() {
		o.Intended = sent
	}
	if lost > 0 {
		socket := lost * 7 / 10
		backlog := lost / 5
		o.Late = lost / 50
		o.Drops = rfc2544.Drops{
			{Node: "left", Kind: "socket buffer", Frames: int64(socket)}, {Node: "right", Kind: "backlog", Frames: int64(backlog)},
		}
		o.Unexplained = int64(lost - socket - backlog)
	}
	return o
}

// Hostile are names with markup and control characters, which reports must escape.
var Hostile = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `'; DROP TABLE duts; --`, `</title></style></svg><b>`,
	"\x1b[2J\x1b]0;owned\x07", "line\nbreak", "\u202egnp.exe", "{{.CSS}}", `javascript:alert(1)`, "name\x00nul", "\xff\xfe",
	fmt.Sprintf("%0300d", 1), "]]><!--", "&lt;b&gt;", `style="fill:#0072B2"`,
}

// HostileFixture returns a fixture with a hostile name in every text field.
func HostileFixture(name string) *result.Results {
	r := Fixture()
	r.Tool = result.Tool{Version: name, Commit: name, Go: name}
	r.Profile, r.Command = name, []string{name, "--x=" + name}
	r.Host.CPU, r.Host.Kernel, r.Host.Virtual, r.Host.CPUPlan = name, name, name, name
	r.Host.Offloads, r.Host.Sysctls = map[string]string{name: name}, map[string]string{name: name}
	r.Host.Changed, r.Host.Notes = []string{name}, []string{name}
	for i := range r.Results {
		res := &r.Results[i]
		res.Warnings = append(res.Warnings, name)
		res.Shortfalls = append(res.Shortfalls, rfc2544.Shortfall{What: name, Got: name, Asked: name, Section: name})
		if res.DUT == "vxlan" || res.DUT == "exec:gre.sh" {
			res.DUT, res.Direction = name, name
		}
		if res.Unsupported != "" {
			res.Unsupported = name
		}
		if res.Error != "" {
			res.Error = name
		}
		res.Trials = res.Trials[:min(len(res.Trials), 2)]
		for j := range res.Trials {
			res.Trials[j].Warnings = []string{name}
			res.Trials[j].Drops = append(res.Trials[j].Drops, rfc2544.Drop{Node: name, Device: name, Kind: name, Frames: 3})
		}
		for j := range res.Values {
			if res.Values[j].Name == "latency_max" {
				res.Values[j].Name, res.Values[j].Unit = name, name
			}
		}
	}
	return r
}
