package streams

import (
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

func streamPlan(kind string) Plan {
	return Plan{
		Kind: kind, Server: netip.MustParseAddrPort("127.0.0.1:9"), Direction: rfc2544.Forward, Connections: 1,
		Warmup: 20 * time.Millisecond, Duration: 200 * time.Millisecond, Connect: 5 * time.Second, Request: 1, Response: 1,
	}
}

func TestStreamPlanIsChecked(t *testing.T) {
	for _, kind := range Kinds() {
		if err := streamPlan(kind).Validate(); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
	for want, spoil := range map[string]func(*Plan){
		`stream "tcp"`:          func(p *Plan) { p.Kind = "tcp" },
		"no address":            func(p *Plan) { p.Server = netip.AddrPort{} },
		`direction "up"`:        func(p *Plan) { p.Direction = "up" },
		"0 connections":         func(p *Plan) { p.Connections = 0 },
		"513 connections":       func(p *Plan) { p.Connections = MaxConnections + 1 },
		"above zero":            func(p *Plan) { p.Duration = 0 },
		"the warm-up not below": func(p *Plan) { p.Warmup = -1 },
		"time to connect":       func(p *Plan) { p.Connect = 0 },
		"request of 0":          func(p *Plan) { p.Kind, p.Request = RR, 0 },
		"response of 1048577":   func(p *Plan) { p.Kind, p.Response = CRR, maxMessage+1 },
	} {
		p := streamPlan(Bulk)
		spoil(&p)
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v, want one line with %q", err, want)
		}
	}
}

// The goodput comes from the receivers of a direction. The other values come from the senders.
func TestStreamArithmetic(t *testing.T) {
	client := Result{Connections: []Connection{
		{Direction: rfc2544.Forward, Sender: true, Retransmits: 3, RTT: 4 * time.Millisecond, MinRTT: time.Millisecond, MSS: 1448},
		{Direction: rfc2544.Forward, Sender: true, Retransmits: 4, RTT: 6 * time.Millisecond, MinRTT: 2 * time.Millisecond, MSS: 1440},
		{Direction: rfc2544.Reverse, Octets: 500, Elapsed: time.Second},
	}}
	client.Add(Result{Connections: []Connection{
		{Direction: rfc2544.Forward, Octets: 3000, Elapsed: 2 * time.Second},
		{Direction: rfc2544.Forward, Octets: 1000, Elapsed: 2 * time.Second},
		{Direction: rfc2544.Reverse, Sender: true, RTT: 5 * time.Millisecond, MinRTT: 3 * time.Millisecond},
	}})
	if sum, slowest, fastest := client.Goodput(rfc2544.Forward); sum != 16000 || slowest != 4000 || fastest != 12000 {
		t.Errorf("forward: %v from %v to %v", sum, slowest, fastest)
	}
	if sum, slowest, fastest := client.Goodput(rfc2544.Reverse); sum != 4000 || slowest != 4000 || fastest != 4000 {
		t.Errorf("reverse: %v from %v to %v", sum, slowest, fastest)
	}
	least, smoothed := client.RTT()
	if client.Octets() != 4500 || client.Retransmits() != 7 || client.MSS() != 1448 || least != time.Millisecond || smoothed != 5*time.Millisecond {
		t.Errorf("%d bytes, %d retransmits, mss %d, rtt %v and %v", client.Octets(), client.Retransmits(), client.MSS(), least, smoothed)
	}
}

// For VXLAN over 100 Mbit/s with TCP timestamps, 1448 of 1568 bytes are payload.
func TestGoodputCeiling(t *testing.T) {
	if got, want := GoodputCeiling(100e6, 1448, 1500, 50), 100e6*1448/1568; math.Abs(got-want) > 1 {
		t.Errorf("%v, want %v", got, want)
	}
}
