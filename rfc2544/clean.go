package rfc2544

import "time"

// Clean is the part of a trial that nothing outside of the device disturbed: its slices of 10 ms in
// which no core was taken away, no other program ran on a core of tester or device, and the device
// did not recover from that. What the device does to itself is no disturbance.
type Clean struct {
	Time     time.Duration `json:"time_ns"`  // of the clean slices
	Offered  uint64        `json:"offered"`  // frames sent in them
	Received uint64        `json:"received"` // of these, within the loss timeout
}

// LossRatio returns the share of the clean slices' frames that did not come back within the loss
// timeout, in [0,1].
func (c Clean) LossRatio() float64 {
	if c.Offered == 0 {
		return 0
	}
	return float64(c.Offered-min(c.Received, c.Offered)) / float64(c.Offered)
}

// CleanTime returns the clean part of the time spent sending; all of it if the engine cannot tell.
func (o Observation) CleanTime() time.Duration {
	if o.Clean == nil {
		return o.Duration
	}
	return min(o.Clean.Time, o.Duration)
}

// CleanShare returns the share of the sending time that was clean, in [0,1].
func (o Observation) CleanShare() float64 {
	if o.Duration <= 0 {
		return 0
	}
	return float64(o.CleanTime()) / float64(o.Duration)
}

// CleanLossRatio returns the loss ratio over the clean slices, or over all frames if the engine
// cannot tell them apart.
func (o Observation) CleanLossRatio() float64 {
	if o.Clean == nil {
		return o.LossRatio()
	}
	return o.Clean.LossRatio()
}
