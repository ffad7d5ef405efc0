package mlrsearch

import (
	"context"
	"time"
)

// Trial is a valid trial, with the values that classification needs.
type Trial struct {
	Load      float64       // intended load, in any unit; above zero
	Duration  time.Duration // intended; decides whether the trial is full-length
	Effective time.Duration // trial effective duration: what the trial counts for in a duration sum
	LossRatio float64       // from 0 to 1; frames that the tester did not send count as lost
}

// Result is the result of one measurement.
type Result struct {
	LossRatio float64       // trial loss ratio, from 0 to 1; see Trial
	Effective time.Duration // trial effective duration, setup and waiting included if they count; 0: the intended one
	Valid     bool          // false when the test equipment failed: the trial says nothing about the device
	Short     bool          // of a trial that is not valid: the equipment sent too little, though mostly undisturbed
	Reason    string        // why the trial is not valid
}

// Measurer measures one trial: it offers a load for a time to the system under test and returns the
// result. An invalid trial is not an error; an error means that no trial can be run, and ends the
// search.
type Measurer interface {
	Measure(ctx context.Context, load float64, duration time.Duration) (Result, error)
}
