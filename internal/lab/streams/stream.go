package streams

import (
	"fmt"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	tcp "github.com/tunnelbench/tunnelbench/loadgen/streams"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Stream is the result of one measurement, of client and server.
type Stream struct {
	Plan tcp.Plan `json:"plan"`
	tcp.Result
	Values    []rfc2544.Value `json:"values"`
	LimitedBy string          `json:"limited_by"` // result.LimitedBy...; empty when unknown
	Valid     bool            `json:"valid"`
	Invalid   rfc2544.Reasons `json:"invalid"` // why it is not valid
	Warnings  []string        `json:"warnings"`

	ceiling             float64 // largest goodput on the wan link in bit/s, overhead subtracted; 0: not known
	deviceCPU, hostsCPU float64 // ns per byte received
	hasDevice           bool    // deviceCPU could be measured
}

// reject adds reasons why the measurement does not count; it counts if there are none at all.
func (s *Stream) reject(reasons ...rfc2544.Reason) {
	s.Invalid = append(s.Invalid, reasons...)
	s.Valid = len(s.Invalid) == 0
}

// disturbed reports whether the machine disturbed the measurement, which then says nothing about
// the device.
func (s *Stream) disturbed() bool { return s.Invalid.Has(rfc2544.OtherPrograms) }

// directions returns the directions in which a bulk measurement sends.
func (s *Stream) directions() []string {
	if s.Plan.Direction == rfc2544.Both {
		return []string{rfc2544.Forward, rfc2544.Reverse}
	}
	return []string{s.Plan.Direction}
}

// goodput returns the goodput of one direction in bit/s. If both directions were measured at once,
// it returns their mean.
func (s *Stream) goodput() (sum float64) {
	for _, d := range s.directions() {
		one, _, _ := s.Goodput(d)
		sum += one
	}
	return sum / float64(len(s.directions()))
}

// fillsLink sets LimitedBy to the link if the goodput fills the wan link.
func (s *Stream) fillsLink() string {
	const nearly = 0.95
	if s.ceiling > 0 && s.goodput() > nearly*s.ceiling {
		return result.LimitedByLink
	}
	return ""
}

// classifyTransfer rejects measurements in which nothing arrived or connections failed.
func (s *Stream) classifyTransfer() rfc2544.Reasons {
	switch {
	case s.Plan.Kind == tcp.Bulk && s.Octets() == 0:
		return rfc2544.Reasons{rfc2544.Because(rfc2544.NothingReceived, "no byte came through")}
	case s.Plan.Kind != tcp.Bulk && s.Transactions == 0:
		return rfc2544.Reasons{rfc2544.Because(rfc2544.NothingReceived, "no transaction of %d succeeded", s.Failures)}
	case s.Failures > 0:
		return rfc2544.Reasons{rfc2544.Because(rfc2544.ConnectionsFailed, "%d of %d connections failed", s.Failures, s.Failures+s.Transactions)}
	}
	return nil
}

// account adds the CPU time of the meters. Only bulk measurements have bytes to divide it by.
func (s *Stream) account(u coreUse) {
	octets := float64(s.Octets()) / s.Plan.Duration.Seconds() // the meters cover the same window, to within 1 ms
	if octets == 0 {
		return
	}
	s.deviceCPU, s.hasDevice = 1e9*u.device/octets, u.Metered
	s.hostsCPU = 1e9 * u.hosts / octets
}

// endToEnd reports whether client and server have one connection, whose state is that of the whole path. The
// sender's connection ends at a device that carries streams.
func (s *Stream) endToEnd() bool { return !s.Plan.Via.IsValid() }

// Units of the values that other tests do not have.
const (
	unitBits    = "bit/s"
	unitTime    = "ns"
	unitOctet   = "ns/octet"
	unitRate    = "1/s"
	unitRepeats = "1/GB" // per 10^9 bytes received
	unitShare   = "ratio"
)

// values returns the values of the measurement, by their names in results.
func (s *Stream) values() []rfc2544.Value {
	switch s.Plan.Kind {
	case tcp.RR:
		return s.transactions("request_response", "request_response_rate")
	case tcp.CRR:
		return s.transactions("connection", "connection_rate")
	}
	return s.bulk()
}

// Whether higher or lower values are better.
const (
	higherBetter = 1
	lowerBetter  = -1
)

func streamValue(name, unit string, v float64, better int) rfc2544.Value {
	return rfc2544.Value{Name: name, Unit: unit, Value: v, N: 1, Better: better}
}

// bulk returns the values of a bulk measurement. With several connections the names end in their
// number.
func (s *Stream) bulk() []rfc2544.Value {
	octets := float64(s.Octets())
	if octets == 0 {
		return nil
	}
	suffix := ""
	if s.Plan.Connections > 1 {
		suffix = fmt.Sprintf("_%d", s.Plan.Connections)
	}
	all := []rfc2544.Value{streamValue("stream_goodput"+suffix, unitBits, s.goodput(), higherBetter)}
	for _, d := range s.directions() {
		sum, slowest, fastest := s.Goodput(d)
		if len(s.directions()) > 1 {
			all = append(all, streamValue("stream_goodput"+suffix+"_"+d, unitBits, sum, higherBetter))
		}
		if s.Plan.Connections > 1 && fastest > 0 && len(s.directions()) == 1 {
			all = append(all, streamValue("stream_spread"+suffix, unitShare, slowest/fastest, higherBetter))
		}
	}
	if s.ceiling > 0 {
		all = append(all, streamValue("stream_goodput_share"+suffix, unitShare, s.goodput()/s.ceiling, higherBetter))
	}
	if s.endToEnd() {
		all = append(all, streamValue("stream_retransmits"+suffix, unitRepeats, 1e9*float64(s.Retransmits())/octets, lowerBetter))
	}
	if least, smoothed := s.RTT(); least > 0 && s.endToEnd() {
		all = append(all, streamValue("stream_rtt_min"+suffix, unitTime, float64(least), lowerBetter), streamValue("stream_rtt"+suffix, unitTime, float64(smoothed), lowerBetter))
	}
	if s.hasDevice {
		all = append(all, streamValue("cpu_ns_per_octet"+suffix, unitOctet, s.deviceCPU, lowerBetter))
	}
	return append(all, streamValue("hosts_cpu_ns_per_octet"+suffix, unitOctet, s.hostsCPU, lowerBetter))
}

// Fewest samples for a percentile; with fewer, a handful of transactions decide it.
const (
	enoughForP99  = 1000
	enoughForP999 = 10000
)

func (s *Stream) transactions(name, rate string) []rfc2544.Value {
	if s.Latency == nil || s.Elapsed <= 0 {
		return nil
	}
	all := []rfc2544.Value{
		streamValue(rate, unitRate, float64(s.Transactions)/s.Elapsed.Seconds(), higherBetter),
		streamValue(name+"_p50", unitTime, float64(s.Latency.P50), lowerBetter),
	}
	if s.Latency.N >= enoughForP99 {
		all = append(all, streamValue(name+"_p99", unitTime, float64(s.Latency.P99), lowerBetter))
	}
	if s.Latency.N >= enoughForP999 {
		all = append(all, streamValue(name+"_p999", unitTime, float64(s.Latency.P999), lowerBetter))
	}
	return all
}

// coreUse is the CPU use of a measurement, in cores.
type coreUse struct {
	lab.CoreUse
	device float64 // use of the device's cores, without the use at no traffic
	hosts  float64 // client and server, as the kernel accounts for processes
	idle   float64 // idle share of the tester's busiest core, in [0,1]
}

// limitedBy returns whose cores were fully used. The tester comes first: while its cores are full,
// the device may be faster than measured.
func (u coreUse) limitedBy() string {
	const spent = 0.95
	switch {
	case u.idle < 1-spent:
		return result.LimitedByTester
	case u.Metered && u.Busiest > spent:
		return result.LimitedByDUT
	}
	return ""
}
