// Package fieldtest has a field for tests.
package fieldtest

import (
	"time"

	"github.com/tunnelbench/tunnelbench/reports/behaviour"
	"github.com/tunnelbench/tunnelbench/reports/field"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Sample returns the field of a machine: the control, tunnels of each group, and devices in each state.
func Sample() *field.Field {
	at := time.Date(2026, 11, 29, 1, 2, 3, 0, time.UTC)
	return &field.Field{
		Schema: field.Schema, Tool: result.Tool{Version: "v1", Commit: "abc", Go: "go1.26"}, Command: []string{"tunnelbench", "field"}, Profile: "quick", Seed: 1,
		Started: at, Ended: at.Add(5 * time.Minute), Machine: "0123456789ab",
		Host:    result.Host{CPU: "a CPU", Kernel: "6.18", Arch: "amd64", Cores: 2, CPUPlan: "tester 0, dut 1", Notes: []string{"a note"}},
		Control: "plain", Sizes: []rfc2544.FrameSize{64, 1518},
		Devices: []field.Device{
			{Name: "plain", Kind: "calibration", Carries: field.Packets, State: field.Works, About: field.About{Text: "routing", Language: "C (kernel)"}, Points: points(700e3, 5000)},
			{Name: "vxlan", Kind: "plain", Carries: field.Packets, State: field.Works, About: field.About{Text: "the kernel's VXLAN", Language: "C (kernel)", Carrier: "UDP", Book: 50}, Points: points(360e3, 9000), Behaviour: []behaviour.Finding{
				{Test: "mtu", Verdict: behaviour.None, Facts: []behaviour.Fact{{Name: "above", Is: "fragmented"}}, Values: []rfc2544.Value{{Name: "largest", Unit: "octets", Value: 1450, N: 1}}, Seconds: 2},
				{Test: "ecn", Verdict: behaviour.Fail, Rule: "RFC 6040, section 4.2", Why: "a mark of the wan is lost: <i>", Seconds: 2},
				{Test: "overhead", Verdict: behaviour.None, Values: []rfc2544.Value{{Name: "overhead_64", Unit: "octets/packet", Value: 50, N: 100}, {Name: "overhead_1518", Unit: "octets/packet", Value: 50.5, N: 100}}, Seconds: 2},
			}},
			{Name: "recipe:fastd/null", Kind: "plain", Carries: field.Packets, State: field.Works, About: field.About{
				Text: "fast and secure tunnelling daemon", Language: "C", Carrier: "UDP", Licence: "BSD-2-Clause", Home: "https://example.org/fastd", Recipe: "fastd", Install: "apt-get install fastd", Version: "fastd v22", Cannot: []string{"IPv6"},
			}, Points: points(80e3, 20000), Memory: new(int64(7_000_000))},
			{Name: "exec:socat.sh", Kind: "plain", Carries: field.Packets, State: field.Overloaded, Why: "lost 900 of 1000 frames of 64 bytes at 1000 frames/s, 12 of them corrupted", Points: []field.Point{
				{Size: 64, Light: &field.Load{Rate: 1000, Offered: 1000, Received: 100, Corrupted: 12}},
			}},
			{Name: "wireguard-go", Kind: "sealed", Carries: field.Packets, State: field.Works, About: field.About{Text: "wireguard-go as a library", Language: "Go", Cipher: "chacha20-poly1305", Carrier: "UDP", Book: 60}, Points: points(56e3, 45000), Memory: new(int64(27_200_000))},
			{Name: "exec:<b>.sh", Kind: "sealed", Carries: field.Packets, State: field.Failed, Why: "it did not come up: <script>"},
			{Name: "recipe:relay", Kind: "plain", Carries: field.Streams, State: field.Works, About: field.About{Text: "a relay of TCP", Language: "Go", Carrier: "TCP"}, Goodput: &field.Goodput{Bits: field.Interval{Value: 7e9, Lower: 6e9, Upper: 8e9, N: 5}, Congestion: "cubic"}},
			{Name: "gre", Kind: "plain", Carries: field.Packets, State: field.Unsupported, Why: "this kernel has none", About: field.About{Install: "modprobe ip_gre"}},
		},
	}
}

// points returns what a device of that rate shows at 64 bytes, and at 1518 bytes nothing.
func points(rate, cpu float64) []field.Point {
	p50, p99 := 20*time.Microsecond, 90*time.Microsecond
	near := func(v float64, n int) *field.Interval {
		return &field.Interval{Value: v, Lower: 0.98 * v, Upper: 1.03 * v, N: n}
	}
	return []field.Point{{
		Size: 64, Rate: near(0.8*rate, 32), Normal: near(rate, 32), Share: near(rate/700e3, 32), CPU: near(cpu, 3),
		Light: &field.Load{Rate: 1000, Offered: 1000, Received: 1000, P50: &p50, P99: &p99}, Half: &field.Load{Rate: rfc2544.Rate(rate / 2), Offered: 100000, Received: 99999, P50: &p50, P99: &p99},
	}}
}
