package lab

import (
	"errors"
	"time"

	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// NewResult returns a result without values.
func NewResult(s Settings, d dut.Device, test string, size rfc2544.FrameSize) result.Result {
	return result.Result{DUT: d.Spec, Kind: d.Kind, Carries: d.Carries, Test: test, FrameSize: size, Direction: s.Direction}
}

// Conditions returns the trial conditions of settings s for results.json. rest is the time before
// each trial.
func (s Settings) Conditions(rest time.Duration) result.Conditions {
	s = s.Resolved()
	c := result.Conditions{LossTimeout: s.LossTimeout, Rest: rest, IPVersion: 4, Flows: s.Flows, Networks: s.Networks, CongestionControl: s.CongestionControl}
	if s.IPv6 {
		c.IPVersion = 6
	}
	return c
}

// FailedResult returns a result that contains only the error.
func FailedResult(res result.Result, err error) result.Result {
	res.Valid = false
	if errors.Is(err, errors.ErrUnsupported) {
		res.Unsupported = err.Error()
	} else {
		res.Error = err.Error()
	}
	return res
}
