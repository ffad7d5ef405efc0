package streams

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/stats"
	tcp "github.com/tunnelbench/tunnelbench/loadgen/streams"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Plan says how thoroughly the streams test measures; zero values stand for the defaults.
type Plan struct {
	Connections int           // of the second bulk measurement; DefaultConnections
	Duration    time.Duration // of one measurement; DefaultStreamDuration
	Repeats     int           // of each; DefaultStreamRepeats
}

// Defaults of a Plan.
const (
	DefaultConnections   = 8
	DefaultStreamRepeats = 3
)

func (p Plan) withDefaults() Plan {
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

// frameOf returns the size of a frame that holds an IP packet of mtu bytes.
func frameOf(mtu int) rfc2544.FrameSize {
	const ethernet = 18 // header and FCS
	return rfc2544.FrameSize(mtu + ethernet)
}

// plans returns one round of measurements: bulk with one connection and with several, request and
// response, connection rate.
func (h *Hosts) plans(p Plan) []tcp.Plan {
	plans := []tcp.Plan{h.Plan(tcp.Bulk), h.Plan(tcp.Bulk), h.Plan(tcp.RR), h.Plan(tcp.CRR)}
	plans[1].Connections = p.Connections
	for i := range plans {
		plans[i].Duration = p.Duration
	}
	return plans
}

// Notes returns remarks about the test for readers of the results.
func Notes() []string {
	return []string{
		"Client and server of the streams share the tester's cores; cpu_ns_per_octet is of the device's cores alone.",
		"The links of the streams' hosts have their offloads on, as real hosts do.",
	}
}

// Goodput returns the goodput of one TCP connection through a device in bit/s; ok is false if every
// measurement was disturbed.
func Goodput(ctx context.Context, l *lab.Lab, d dut.Device, s lab.Settings) (bits float64, ok bool, err error) {
	h, err := Open(ctx, l, d, s)
	if err != nil {
		return 0, false, err
	}
	stream, err := h.measureUndisturbed(ctx, h.Plan(tcp.Bulk))
	if err = errors.Join(err, h.Close()); err != nil || stream.disturbed() {
		return 0, false, err
	}
	return stream.goodput(), true, nil
}

// GoodputOn returns Goodput in a lab.
func GoodputOn(l *lab.Lab) func(context.Context, dut.Device, lab.Settings) (float64, bool, error) {
	return func(ctx context.Context, d dut.Device, s lab.Settings) (float64, bool, error) {
		return Goodput(ctx, l, d, s)
	}
}

// Run runs the streams test on a device. A value is the median of the repeats, with the smallest
// and largest as bounds. Failures of the device are in the result; the error is for failures of the
// lab.
func Run(ctx context.Context, l *lab.Lab, d dut.Device, s lab.Settings, p Plan) (result.Result, error) {
	p = p.withDefaults()
	res := lab.NewResult(s.Resolved(), d, rfc2544.NameStreams, frameOf(netns.DefaultLANMTU))
	h, err := Open(ctx, l, d, s)
	if err != nil {
		if ctx.Err() != nil {
			return res, err
		}
		return lab.FailedResult(res, err), nil
	}
	all, err := h.repeat(ctx, p)
	switch {
	case ctx.Err() != nil:
		return res, errors.Join(err, h.Close())
	case err != nil:
		res = lab.FailedResult(res, err)
	}
	return joinStreams(res, all), h.Close()
}

// repeat runs every measurement several times. The error says that the device died; other failures
// are in the measurements.
func (h *Hosts) repeat(ctx context.Context, p Plan) (all []Stream, err error) {
	for range p.Repeats {
		for _, plan := range h.plans(p) {
			s, err := h.measureUndisturbed(ctx, plan)
			if ctx.Err() != nil || errors.Is(err, lab.ErrDied) {
				return all, err
			}
			if err != nil {
				s.Plan = plan
				s.reject(rfc2544.Because(rfc2544.NotMeasured, "%v", err))
			}
			all = append(all, s)
		}
	}
	return all, nil
}

// measureUndisturbed repeats a measurement that the machine disturbed.
func (h *Hosts) measureUndisturbed(ctx context.Context, p tcp.Plan) (s Stream, err error) {
	_, err = rfc2544.Retry{Times: rfc2544.DefaultRetries}.Do(func(bool) (bool, time.Duration, error) {
		s, err = h.Measure(ctx, p)
		return !s.disturbed(), p.Duration, err
	})
	return s, err
}

// joinStreams combines all measurements into one result. A disturbed one counts only if there is no
// other of its kind. The result is not valid if one of these counts or if a measurement failed.
func joinStreams(res result.Result, all []Stream) result.Result {
	res.Valid = res.Error == "" && len(all) > 0
	values := map[string][]rfc2544.Value{}
	var names []string
	for _, s := range all {
		for _, why := range append(s.Invalid.Texts(), s.Warnings...) {
			res.Warnings = append(res.Warnings, fmt.Sprintf("%s, %d connections: %s", s.Plan.Kind, s.Plan.Connections, why))
		}
		undisturbed := slices.ContainsFunc(all, func(o Stream) bool { return o.Plan == s.Plan && !o.disturbed() })
		if s.disturbed() && undisturbed {
			continue
		}
		res.Valid = res.Valid && s.Valid
		if s.Plan.Kind == tcp.Bulk && s.Plan.Connections == 1 {
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

// overRepeats returns the median of the repeats, with the smallest and largest value as bounds.
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
