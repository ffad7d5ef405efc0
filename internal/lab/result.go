package lab

import (
	"errors"

	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// NewResult is a result of a test that nothing is in yet.
func NewResult(s Settings, d dut.Device, test string, size rfc2544.FrameSize) result.Result {
	return result.Result{DUT: d.Spec, Kind: d.Kind, Test: test, FrameSize: size, Direction: s.Direction}
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
