package streams

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// The kinds of stream measurement: what TCP, and so most of what people run,
// makes of a path. They go over the kernel's own TCP and plain sockets.
const (
	Bulk = "bulk" // connections that carry as much as they can
	RR   = "rr"   // request and response over and over, on one connection each
	CRR  = "crr"  // connect, request, response, close, over and over
)

// Kinds are all kinds.
func Kinds() []string { return []string{Bulk, RR, CRR} }

// Limits of a stream plan.
const (
	MaxConnections = 512
	maxMessage     = 1 << 20 // octets of a request or a response
)

// Plan is one measurement between a client and a server.
type Plan struct {
	Kind        string         `json:"kind"`
	Server      netip.AddrPort `json:"server"`
	Direction   string         `json:"direction"`   // of bulk: rfc2544.Forward is from the client to the server
	Connections int            `json:"connections"` // at once; of bulk per direction
	Warmup      time.Duration  `json:"warmup_ns"`   // before the window in which is measured
	Duration    time.Duration  `json:"duration_ns"` // of the window
	Connect     time.Duration  `json:"connect_ns"`  // for all connections to come about
	Request     int            `json:"request"`     // octets, of rr and crr
	Response    int            `json:"response"`
}

// Validate names the first thing that cannot be, in one line.
func (p Plan) Validate() error {
	switch {
	case !slices.Contains(Kinds(), p.Kind):
		return fmt.Errorf("stream %q: bulk, rr or crr", p.Kind)
	case !p.Server.IsValid():
		return fmt.Errorf("stream: no address of the server")
	case p.Kind == Bulk && !slices.Contains([]string{rfc2544.Forward, rfc2544.Reverse, rfc2544.Both}, p.Direction):
		return fmt.Errorf("stream direction %q: forward, reverse or both", p.Direction)
	case p.Connections < 1 || p.Connections > MaxConnections:
		return fmt.Errorf("%d connections: from 1 to %d", p.Connections, MaxConnections)
	case p.Warmup < 0 || p.Duration <= 0 || p.Connect <= 0:
		return fmt.Errorf("stream: the duration and the time to connect must be above zero, the warm-up not below")
	case p.Kind != Bulk && (p.Request < 1 || p.Response < 1 || p.Request > maxMessage || p.Response > maxMessage):
		return fmt.Errorf("request of %d and response of %d octets: each from 1 to %d", p.Request, p.Response, maxMessage)
	}
	return nil
}

// answerLimit is how long an answer may take: TCP's own first repeats are after
// 0.2 s to 1 s, so that a path that loses much still answers by then.
const answerLimit = 3 * time.Second

// Limit is the longest that the measurement takes, whatever happens.
func (p Plan) Limit() time.Duration {
	return p.Connect + p.Warmup + p.Duration + answerLimit + settle
}

// settle is how long connections stay after the window, so that no end is cut
// off in the other's.
const settle = 100 * time.Millisecond

// directions are those in which a bulk plan sends.
func (p Plan) directions() []string {
	if p.Direction == rfc2544.Both {
		return []string{rfc2544.Forward, rfc2544.Reverse}
	}
	return []string{p.Direction}
}

// Window is the time of the measurement on CLOCK_MONOTONIC, which all processes of the machine
// share, in ns.
type Window struct {
	Start uint64 `json:"start_ns"`
	End   uint64 `json:"end_ns"`
}

// Connection is what one end saw of a bulk connection within the window.
type Connection struct {
	Direction   string        `json:"direction"`
	Sender      bool          `json:"sender"`      // this end sends; the rest but Octets is the sender's to know
	Octets      uint64        `json:"octets"`      // that the receiving application read
	Elapsed     time.Duration `json:"elapsed_ns"`  // in which it read them
	Retransmits uint64        `json:"retransmits"` // segments sent again
	RTT         time.Duration `json:"rtt_ns"`      // smoothed, at the end
	MinRTT      time.Duration `json:"min_rtt_ns"`
	MSS         int           `json:"mss"`
}

// rate is the goodput in bits per second.
func (c Connection) rate() float64 {
	if c.Elapsed <= 0 {
		return 0
	}
	return 8 * float64(c.Octets) / c.Elapsed.Seconds()
}

// Result is what one end saw, or both together.
type Result struct {
	Algorithm    string                `json:"algorithm"` // of congestion control
	Connections  []Connection          `json:"connections"`
	Transactions uint64                `json:"transactions"` // begun within the window and answered
	Failures     uint64                `json:"failures"`     // begun within the window and not answered
	Elapsed      time.Duration         `json:"elapsed_ns"`   // of the transactions
	Latency      *rfc2544.Distribution `json:"latency_ns"`
}

// Add joins what the other end saw.
func (r *Result) Add(o Result) { r.Connections = append(r.Connections, o.Connections...) }

// Goodput is what the receiving applications of a direction read, in bits per
// second over all connections: the sum, and that of the slowest and the fastest connection.
func (r Result) Goodput(direction string) (sum, slowest, fastest float64) {
	first := true
	for _, c := range r.Connections {
		if c.Sender || c.Direction != direction {
			continue
		}
		rate := c.rate()
		if sum += rate; first {
			slowest, first = rate, false
		}
		slowest, fastest = min(slowest, rate), max(fastest, rate)
	}
	return sum, slowest, fastest
}

// Octets are all that receiving applications read, in both directions.
func (r Result) Octets() (sum uint64) {
	for _, c := range r.Connections {
		sum += c.Octets
	}
	return sum
}

// Retransmits are the segments that all senders sent again.
func (r Result) Retransmits() (sum uint64) {
	for _, c := range r.Connections {
		sum += c.Retransmits
	}
	return sum
}

// RTT is the least that any sender saw of late, and the smoothed one, averaged
// over the senders; zero without any.
func (r Result) RTT() (least, smoothed time.Duration) {
	n := time.Duration(0)
	for _, c := range r.Connections {
		if !c.Sender {
			continue
		}
		if n++; least == 0 || c.MinRTT > 0 && c.MinRTT < least {
			least = c.MinRTT
		}
		smoothed += c.RTT
	}
	return least, smoothed / max(1, n)
}

// MSS is the payload of a full segment in octets, 0 where nobody knows.
func (r Result) MSS() (mss int) {
	for _, c := range r.Connections {
		mss = max(mss, c.MSS)
	}
	return mss
}

// Octets of an Ethernet frame around the outer packet, on a link whose speed is
// counted with the FCS.
const ethernetOctets = 14 + 4

// GoodputCeiling is the most that TCP can carry over a link of rate bits per
// second, when each full segment of mss octets of payload travels in an inner
// packet of mtu octets and the tunnel adds overhead octets to it.
func GoodputCeiling(rate float64, mss, mtu, overhead int) float64 {
	return rate * float64(mss) / float64(mtu+overhead+ethernetOctets)
}
