package lab

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/stats"
	"github.com/tunnelbench/tunnelbench/loadgen/streams"

	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// StreamsPlan is how thoroughly the streams test measures; zeros stand for the defaults.
type StreamsPlan struct {
	Connections int           // of the second bulk measurement; DefaultConnections
	Duration    time.Duration // of one measurement; DefaultStreamDuration
	Repeats     int           // of each; DefaultStreamRepeats
}

// What a StreamsPlan's zeros stand for.
const (
	DefaultConnections   = 8
	DefaultStreamRepeats = 3
)

func (p StreamsPlan) withDefaults() StreamsPlan {
	for into, value := range map[*int]int{&p.Connections: DefaultConnections, &p.Repeats: DefaultStreamRepeats} {
		if *into == 0 {
			*into = value
		}
	}
	if p.Duration == 0 {
		p.Duration = DefaultStreamDuration
	}
	return p
}

// frameOf is the size of the frame that holds an IP packet of mtu octets.
func frameOf(mtu int) rfc2544.FrameSize {
	const ethernet = 18 // header and FCS
	return rfc2544.FrameSize(mtu + ethernet)
}

// plans are one round of measurements: bulk with one connection and with
// several, request and response, connections.
func (h *Hosts) plans(p StreamsPlan) []streams.Plan {
	plans := []streams.Plan{h.Plan(streams.Bulk), h.Plan(streams.Bulk), h.Plan(streams.RR), h.Plan(streams.CRR)}
	plans[1].Connections = p.Connections
	for i := range plans {
		plans[i].Duration = p.Duration
	}
	return plans
}

// runStreams adds the streams test of every device to the results.
func (l *Lab) runStreams(ctx context.Context, p Plan, r *reports.Results) error {
	for _, d := range p.Devices {
		res, err := l.Streams(ctx, d, p.Settings, *p.Streams)
		if err != nil {
			return err
		}
		r.Results = append(r.Results, res)
		if p.OnResult != nil {
			p.OnResult(r, res)
		}
	}
	r.Host.Notes = append(r.Host.Notes, "The streams' TCP uses the machine's default congestion control, "+firstLine("/proc/sys/net/ipv4/tcp_congestion_control")+".",
		"Client and server of the streams share the tester's cores; cpu_ns_per_octet is of the device's cores alone.",
		"The links of the streams' hosts have their offloads on, as real hosts do.")
	return nil
}

// Streams measures what TCP makes of a device. A value is the median of the
// repeats, between the least and the greatest. What goes wrong with the device is
// in the result; the error is for the lab.
func (l *Lab) Streams(ctx context.Context, d dut.Device, s Settings, p StreamsPlan) (reports.Result, error) {
	p = p.withDefaults()
	res := blank(s.Resolved(), d, rfc2544.NameStreams, frameOf(netns.DefaultLANMTU))
	h, err := l.Hosts(ctx, d, s)
	if err != nil {
		if ctx.Err() != nil {
			return res, err
		}
		return failed(res, err), nil
	}
	all, err := h.repeat(ctx, p)
	switch {
	case ctx.Err() != nil:
		return res, errors.Join(err, h.Close())
	case err != nil:
		res = failed(res, err)
	}
	return joinStreams(res, all), h.Close()
}

// repeat measures everything several times. The error is that the device died;
// what else went wrong is in the measurements.
func (h *Hosts) repeat(ctx context.Context, p StreamsPlan) (all []Stream, err error) {
	for range p.Repeats {
		for _, plan := range h.plans(p) {
			s, err := h.measureCalm(ctx, plan)
			if ctx.Err() != nil || errors.Is(err, ErrDied) {
				return all, err
			}
			if err != nil {
				s.Plan, s.Warnings = plan, []string{"invalid: " + err.Error()}
			}
			all = append(all, s)
		}
	}
	return all, nil
}

// measureCalm repeats a measurement that the machine has disturbed.
func (h *Hosts) measureCalm(ctx context.Context, p streams.Plan) (s Stream, err error) {
	for range 1 + rfc2544.DefaultRetries {
		if s, err = h.Measure(ctx, p); err != nil || !s.disturbed {
			break
		}
	}
	return s, err
}

// joinStreams makes one result of all measurements. A disturbed one counts only
// where there is no other of its kind; then, and when anything failed, the
// result is not valid.
func joinStreams(res reports.Result, all []Stream) reports.Result {
	res.Valid = res.Error == "" && len(all) > 0
	values := map[string][]rfc2544.Value{}
	var names []string
	for _, s := range all {
		for _, w := range s.Warnings {
			res.Warnings = append(res.Warnings, fmt.Sprintf("%s, %d connections: %s", s.Plan.Kind, s.Plan.Connections, w))
		}
		calm := slices.ContainsFunc(all, func(o Stream) bool { return o.Plan == s.Plan && !o.disturbed })
		if s.disturbed && calm {
			continue
		}
		res.Valid = res.Valid && s.Valid
		if s.Plan.Kind == streams.Bulk && s.Plan.Connections == 1 {
			res.LimitedBy = s.LimitedBy
		}
		for _, v := range s.Values {
			if values[v.Name] == nil {
				names = append(names, v.Name)
			}
			values[v.Name] = append(values[v.Name], v)
		}
	}
	for _, name := range names {
		res.Values = append(res.Values, overRepeats(values[name]))
	}
	return res
}

// overRepeats is the median of the repeats' values, between the extremes.
func overRepeats(repeats []rfc2544.Value) rfc2544.Value {
	numbers := make([]float64, len(repeats))
	for i, v := range repeats {
		numbers[i] = v.Value
	}
	v := repeats[0]
	v.Value = stats.Median(numbers)
	least, most := slices.Min(numbers), slices.Max(numbers)
	v.Lower, v.Upper, v.N = &least, &most, len(numbers)
	return v
}
