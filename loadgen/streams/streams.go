package streams

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// The kinds of stream measurement.
const (
	Bulk = "bulk" // send as many bytes as possible
	RR   = "rr"   // repeat request and response on an open connection
	CRR  = "crr"  // repeat connect, request, response and close
)

// Kinds returns all kinds.
func Kinds() []string { return []string{Bulk, RR, CRR} }

// Limits of a stream plan.
const (
	MaxConnections = 512
	maxMessage     = 1 << 20 // size of a request or a response in bytes
)

// Plan describes a measurement between a client and a server.
type Plan struct {
	Kind        string         `json:"kind"`
	Server      netip.AddrPort `json:"server"`
	Via         netip.AddrPort `json:"via,omitzero"` // where the client connects to, of a device that accepts for the server; zero: Server
	Direction   string         `json:"direction"`    // of bulk; rfc2544.Forward is from the client to the server
	Connections int            `json:"connections"`  // number of concurrent connections; of bulk, for each direction
	Warmup      time.Duration  `json:"warmup_ns"`    // time before the measurement window
	Duration    time.Duration  `json:"duration_ns"`  // length of the measurement window
	Connect     time.Duration  `json:"connect_ns"`   // maximum time to open all connections
	Request     int            `json:"request"`      // size of a request of rr and crr in bytes
	Response    int            `json:"response"`     // size of a response of rr and crr in bytes
}

// Validate returns an error for the first invalid field. The error is one line.
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
		return fmt.Errorf("request of %d and response of %d bytes: each from 1 to %d", p.Request, p.Response, maxMessage)
	}
	return nil
}

// answerLimit is the maximum time of a transaction. The first retransmissions of TCP come after 0.2 s
// to 1 s, so that a transaction usually succeeds in this time even on a path with high loss or a long queue.
const answerLimit = 10 * time.Second

// Limit returns the maximum time that the measurement takes.
func (p Plan) Limit() time.Duration {
	return p.Connect + p.Warmup + p.Duration + answerLimit + settle
}

// settle is the time for which connections stay open after the window. So no end closes a connection
// while the window of the other end is still open.
const settle = 100 * time.Millisecond

// directions returns the directions in which a bulk plan sends.
func (p Plan) directions() []string {
	if p.Direction == rfc2544.Both {
		return []string{rfc2544.Forward, rfc2544.Reverse}
	}
	return []string{p.Direction}
}

// Window is the measurement window (CLOCK_MONOTONIC, ns). The clock is the same in all processes of
// the machine.
type Window struct {
	Start uint64 `json:"start_ns"`
	End   uint64 `json:"end_ns"`
}

// Connection is the result of one end of a bulk connection within the window. Only a receiver knows
// Octets and Elapsed. Only a sender knows Retransmits, RTT, MinRTT and MSS.
type Connection struct {
	Direction   string        `json:"direction"`
	Sender      bool          `json:"sender"`      // this end sends
	Octets      uint64        `json:"octets"`      // bytes that the receiving application has read
	Elapsed     time.Duration `json:"elapsed_ns"`  // time in which the application has read them
	Retransmits uint64        `json:"retransmits"` // number of retransmitted segments
	RTT         time.Duration `json:"rtt_ns"`      // smoothed round-trip time at the end of the window
	MinRTT      time.Duration `json:"min_rtt_ns"`  // minimum round-trip time
	MSS         int           `json:"mss"`         // maximum segment size in bytes
}

// rate returns the goodput in bits per second.
func (c Connection) rate() float64 {
	if c.Elapsed <= 0 {
		return 0
	}
	return 8 * float64(c.Octets) / c.Elapsed.Seconds()
}

// Result is the result of one end, or of both ends after Add.
type Result struct {
	CongestionControl string                `json:"congestion_control"` // that the client's socket has
	Connections       []Connection          `json:"connections"`
	Transactions      uint64                `json:"transactions"` // successful transactions that began within the window
	Failures          uint64                `json:"failures"`     // failed transactions that began within the window
	Elapsed           time.Duration         `json:"elapsed_ns"`   // time from the start of the window to the last transaction
	Latency           *rfc2544.Distribution `json:"latency_ns"`   // duration of the successful transactions
}

// Add adds the connections of the other end's result.
func (r *Result) Add(o Result) { r.Connections = append(r.Connections, o.Connections...) }

// Goodput returns the goodput of a direction in bits per second: the sum over all connections, the
// slowest connection and the fastest connection. The goodput is the rate at which the receiving
// application reads payload.
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

// Octets returns the number of bytes that the receiving applications have read, in both directions.
func (r Result) Octets() (sum uint64) {
	for _, c := range r.Connections {
		sum += c.Octets
	}
	return sum
}

// Retransmits returns the number of segments that all senders have retransmitted.
func (r Result) Retransmits() (sum uint64) {
	for _, c := range r.Connections {
		sum += c.Retransmits
	}
	return sum
}

// RTT returns the smallest minimum round-trip time of all senders, and the average of their smoothed
// round-trip times. Both are zero without senders.
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

// MSS returns the largest maximum segment size of all senders in bytes, or 0 without senders.
func (r Result) MSS() (mss int) {
	for _, c := range r.Connections {
		mss = max(mss, c.MSS)
	}
	return mss
}

// ethernetBytes is the length of the Ethernet header and the FCS.
const ethernetBytes = 14 + 4

// GoodputCeiling returns the maximum goodput of TCP over a link in bits per second. rate is the speed
// of the link in bits per second, including the FCS. Each segment has mss bytes of payload in an inner
// packet of mtu bytes. The tunnel adds overhead bytes to the inner packet.
func GoodputCeiling(rate float64, mss, mtu, overhead int) float64 {
	return rate * float64(mss) / float64(mtu+overhead+ethernetBytes)
}
