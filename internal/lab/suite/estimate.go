package suite

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/rfc2544"
	"github.com/tunnelbench/tunnelbench/rfc2544/simulated"
)

// Overhead of a run beside its trials, measured on a small virtual machine.
const (
	perRun   = 3 * time.Second // the lab, and the calibration's network
	perSize  = 3 * time.Second // of the calibration
	perBench = 2 * time.Second // a device to come up and to be explored, at each size
	perTrial = 150 * time.Millisecond
)

// Trouble is how much of the measuring is expected to be spoilt.
type Trouble struct {
	Broken    float64 // share of the trials that are not valid and are repeated
	Disturbed float64 // share of a trial's time that is not clean: a search measures longer
}

// usualTrouble is that of a small virtual machine without a busy neighbour.
var usualTrouble = Trouble{Broken: 0.01, Disturbed: 0.05}

// Estimate returns how long the run takes: for each test, of all devices and sizes together, and in
// total. It measures nothing: the tests run on simulated devices. Their rate is a guess, which
// changes the duration little.
func (p Plan) Estimate(ctx context.Context) ([]simulated.Step, time.Duration, error) {
	suites := p.Profile.suites(len(p.Devices) * len(p.Sizes))
	total := perRun + time.Duration(len(p.Sizes))*perSize
	var steps []simulated.Step
	for _, d := range p.Devices {
		for _, size := range p.Sizes {
			for _, suite := range suites {
				one, err := p.estimate(ctx, suite, d.HasProcesses(), size)
				if err != nil {
					return nil, 0, err
				}
				total += perBench
				for _, s := range one {
					steps = addStep(steps, s)
					total += s.Time
				}
			}
		}
	}
	return steps, total, nil
}

// estimate is the estimate of one suite at one frame size.
func (p Plan) estimate(ctx context.Context, s rfc2544.Suite, processes bool, size rfc2544.FrameSize) ([]simulated.Step, error) {
	nominal := p.Link.MaxFrameRate(size)
	offerable := min(nominal, guessedOfferable)
	device := p.guess(nominal)
	device.NoProcesses = !processes
	return device.Estimate(ctx, s, rfc2544.Point{
		Size: size, Nominal: nominal, Offerable: offerable, Min: lab.MinRate, Max: max(offerable, 2*lab.MinRate), Hint: min(guessedCapacity, offerable), Smallest: size == slices.Min(p.Sizes),
	}, simulated.Overhead{Trial: perTrial, Lossy: cmp.Or(p.Profile.Late, lab.DefaultLossTimeout)})
}

// Assumed rates of tester and tunnel, in frames per second and direction. They change the estimate
// little unless the link is slower; then the tunnel's overhead reduces the link's rate.
const (
	guessedShare = 0.9

	guessedOfferable rfc2544.Rate = 700e3
	guessedCapacity  rfc2544.Rate = 250e3
)

// guess returns a simulated tunnel on a machine with the expected trouble. What disturbs it loses no
// frames.
func (p Plan) guess(nominal rfc2544.Rate) *simulated.Device {
	capacity := min(guessedCapacity, guessedShare*nominal)
	d, err := simulated.Parse(fmt.Sprintf("capacity=%.0ffps,queue=1000,noise=0.002,boot_time=500ms", float64(capacity)))
	if err != nil {
		panic(err) // the text is a constant
	}
	trouble := cmp.Or(p.Trouble, usualTrouble)
	d.Invalid, d.Disturbed = trouble.Broken, trouble.Disturbed
	return d
}

func addStep(steps []simulated.Step, s simulated.Step) []simulated.Step {
	for i := range steps {
		if steps[i].Test == s.Test {
			steps[i].Trials += s.Trials
			steps[i].Time += s.Time
			return steps
		}
	}
	return append(steps, s)
}

// WriteEstimate writes what would be measured and how long it would take.
func (p Plan) WriteEstimate(ctx context.Context, w io.Writer, direction string) error {
	steps, total, err := p.Estimate(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "profile %s: %d devices at %d sizes, direction %s\n", p.Profile.Name, len(p.Devices), len(p.Sizes), direction)
	trouble := cmp.Or(p.Trouble, usualTrouble)
	fmt.Fprintf(w, "if %.3g %% of the trials are broken and %.3g %% of their time is disturbed:\n", 100*trouble.Broken, 100*trouble.Disturbed)
	for _, step := range steps {
		fmt.Fprintf(w, "  %-16s %5d trials  %10s\n", step.Test, step.Trials, step.Time.Round(time.Second))
	}
	_, err = fmt.Fprintf(w, "  %-16s %12s  %10s\n", "in all", "", total.Round(time.Second))
	return err
}
