package streams

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	tcp "github.com/tunnelbench/tunnelbench/loadgen/streams"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

func find(t *testing.T, values []rfc2544.Value, name string) rfc2544.Value {
	t.Helper()
	for _, v := range values {
		if v.Name == name {
			return v
		}
	}
	t.Fatalf("no %s in %+v", name, values)
	return rfc2544.Value{}
}

// bulkStream carried so many octets a second each way, on two connections.
func bulkStream(octets uint64, direction string) Stream {
	s := Stream{Plan: tcp.Plan{Kind: tcp.Bulk, Direction: direction, Connections: 2, Duration: 2 * time.Second}}
	for _, d := range s.directions() {
		s.Connections = append(s.Connections,
			tcp.Connection{Direction: d, Sender: true, Retransmits: 5, MSS: 1448, RTT: 2e6, MinRTT: 1e6},
			tcp.Connection{Direction: d, Octets: octets * 3 / 2, Elapsed: 2 * time.Second},
			tcp.Connection{Direction: d, Octets: octets / 2, Elapsed: 2 * time.Second})
	}
	return s
}

func TestBulkValues(t *testing.T) {
	s := bulkStream(1e6, rfc2544.Forward)
	s.ceiling = 16e6
	s.account(coreUse{device: 0.5, hosts: 0.25, CoreUse: lab.CoreUse{Metered: true}})
	values := s.values()
	for name, want := range map[string]float64{
		"stream_goodput_2": 8e6, "stream_goodput_share_2": 0.5, "stream_spread_2": 1. / 3, "stream_retransmits_2": 2500,
		"stream_rtt_2": 2e6, "stream_rtt_min_2": 1e6, "cpu_ns_per_octet_2": 500, "hosts_cpu_ns_per_octet_2": 250,
	} {
		if v := find(t, values, name); math.Abs(v.Value/want-1) > 1e-9 || v.Unit == "" {
			t.Errorf("%s: %+v, want %v", name, v, want)
		}
	}
	both := bulkStream(1e6, rfc2544.Both)
	values = both.values()
	if v := find(t, values, "stream_goodput_2"); v.Value != 8e6 {
		t.Errorf("both directions: %v per direction, want 8e6", v.Value)
	}
	if find(t, values, "stream_goodput_2_reverse").Value != 8e6 || len(values) != 7 {
		t.Errorf("both directions: %+v", values)
	}
}

// What was not measured has no value, and is no success.
func TestNothingMeasured(t *testing.T) {
	for _, kind := range tcp.Kinds() {
		s := Stream{Plan: tcp.Plan{Kind: kind, Connections: 1, Duration: time.Second, Direction: rfc2544.Forward}}
		s.account(coreUse{device: 1, CoreUse: lab.CoreUse{Metered: true}})
		if why := s.classifyTransfer(); len(s.values()) != 0 || !why.Has(rfc2544.NothingReceived) {
			t.Errorf("%s: %+v, %v", kind, s.values(), why)
		}
	}
}

func TestFewSamplesHaveNoTail(t *testing.T) {
	s := Stream{Plan: tcp.Plan{Kind: tcp.RR, Connections: 1, Duration: time.Second}}
	s.Transactions, s.Elapsed, s.Latency = 1000, 2*time.Second, &rfc2544.Distribution{N: 1000, P50: 10, P99: 20, P999: 30}
	values := s.values()
	if find(t, values, "request_response_rate").Value != 500 || find(t, values, "request_response_p99").Value != 20 || len(values) != 3 {
		t.Errorf("%+v", values)
	}
}

func TestStreamsAreLimitedBy(t *testing.T) {
	for want, u := range map[string]coreUse{
		result.LimitedByTester: {idle: 0.01, CoreUse: lab.CoreUse{Busiest: 0.99, Metered: true}},
		result.LimitedByDUT:    {idle: 0.5, CoreUse: lab.CoreUse{Busiest: 0.99, Metered: true}},
		"":                     {idle: 0.5, CoreUse: lab.CoreUse{Busiest: 0.99}},
	} {
		if got := u.limitedBy(); got != want {
			t.Errorf("%+v: %q, want %q", u, got, want)
		}
	}
	if s := bulkStream(1e6, rfc2544.Forward); s.fillsLink() != "" {
		t.Error("a link of unknown rate is full")
	} else if s.ceiling = 8.1e6; s.fillsLink() != result.LimitedByLink {
		t.Error("a link that has no more to give limits nothing")
	}
}

// A measurement that the machine disturbed counts only where there is no other.
func TestDisturbedStreamsAreLeftOut(t *testing.T) {
	one := func(octets uint64, disturbed bool) Stream {
		s := bulkStream(octets, rfc2544.Forward)
		s.Values, s.Valid = s.values(), true
		if disturbed {
			s.reject(rfc2544.Because(rfc2544.OtherPrograms, "another program"))
		}
		return s
	}
	res := joinStreams(result.Result{}, []Stream{one(1e6, false), one(9e6, true), one(2e6, false)})
	v := find(t, res.Values, "stream_goodput_2")
	if !res.Valid || v.Value != 12e6 || *v.Lower != 8e6 || *v.Upper != 16e6 || v.N != 2 || len(res.Warnings) != 1 {
		t.Errorf("%+v", res)
	}
	res = joinStreams(result.Result{}, []Stream{one(9e6, true)})
	if v := find(t, res.Values, "stream_goodput_2"); res.Valid || v.N != 1 {
		t.Errorf("%+v", res)
	}
	if res := joinStreams(result.Result{}, nil); res.Valid {
		t.Error("nothing measured is valid")
	}
}

func TestIdleTimes(t *testing.T) {
	text := "cpu  9 9 9 9 9 9 9 9 9 9\ncpu0 1 2 3 40 5 6 7 8 0 0\ncpu1 1 2 3 70 0 6 7 8 0 0\nintr 1\n"
	if got := parseIdle(text, []int{1}); len(got) != 1 || got[0] != 700*time.Millisecond {
		t.Errorf("cpu 1: %v", got)
	}
	if got := parseIdle(text, []int{0, 1}); len(got) != 2 || got[0] != 450*time.Millisecond {
		t.Errorf("both: %v", got)
	}
	if got := parseIdle(strings.ReplaceAll(text, "70", "x"), []int{1}); got != nil {
		t.Errorf("rubbish: %v", got)
	}
}
