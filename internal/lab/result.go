package lab

import (
	"errors"
	"time"

	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// NewResult is a result of a test that nothing is in yet.
func NewResult(s Settings, d dut.Device, test string, size rfc2544.FrameSize) result.Result {
	return result.Result{DUT: d.Spec, Kind: d.Kind, Test: test, FrameSize: size, Direction: s.Direction}
}

// Conditions are what results say of the trials that are measured with s, each after
// a rest.
func (s Settings) Conditions(rest time.Duration) result.Conditions {
	s = s.Resolved()
	c := result.Conditions{LossTimeout: s.LossTimeout, Rest: rest, IPVersion: 4, Flows: s.Flows, Networks: s.Networks}
	if s.IPv6 {
		c.IPVersion = 6
	}
	return c
}

// FailedResult is a result that says why there is none.
func FailedResult(res result.Result, err error) result.Result {
	res.Valid = false
	if errors.Is(err, errors.ErrUnsupported) {
		res.Unsupported = err.Error()
	} else {
		res.Error = err.Error()
	}
	return res
}
