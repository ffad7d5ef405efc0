package suite

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/control"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
	"github.com/tunnelbench/tunnelbench/rfc2544/simulated"
)

// Overhead of a run beside its trials, measured on a small virtual machine.
const (
	perRun   = 3 * time.Second // the lab, and the calibration's network
	perSize  = 3 * time.Second // of the calibration
	perBench = 2 * time.Second // a device to come up and to be explored, at each size
	perTrial = 150 * time.Millisecond
	perTCP   = 30 * time.Second // the streams test of a device
)

// Trouble is how much of the measuring is expected to be spoilt.
type Trouble struct {
	Broken    float64 // share of the trials that are not valid and are repeated
	Disturbed float64 // share of a trial's time that is not clean: a search measures longer
}

// usualTrouble is that of a small virtual machine without a busy neighbour.
var usualTrouble = Trouble{Broken: 0.01, Disturbed: 0.05}

// learned returns the trouble to expect after what the calibrations of all sizes saw. Few trials say
// little about what is rare, so the answer is as if some usual trials had been seen too.
func learned(wires []result.Calibration) Trouble {
	const usualTrials = 4
	trials, valid := float64(usualTrials), float64(usualTrials)
	t := Trouble{Broken: trials * usualTrouble.Broken, Disturbed: valid * usualTrouble.Disturbed}
	for _, w := range wires {
		if w.Trouble == nil {
			continue
		}
		trials += float64(w.Trouble.Trials)
		valid += float64(w.Trouble.Trials - w.Trouble.Broken)
		t.Broken += float64(w.Trouble.Broken)
		t.Disturbed += float64(w.Trouble.Trials-w.Trouble.Broken) * w.Trouble.Disturbed
	}
	return Trouble{Broken: t.Broken / trials, Disturbed: t.Disturbed / valid}
}

// isUsual reports whether the difference to the usual trouble changes an estimate only a little.
func (t Trouble) isUsual() bool {
	return math.Abs(t.Broken-usualTrouble.Broken) < 0.01 && math.Abs(t.Disturbed-usualTrouble.Disturbed) < 0.03
}

// foretell calls OnForetold if the calibration saw other trouble than usual. It says nothing of a run
// that is resumed, since nobody knows how much of it is left, nor if the estimate itself takes long:
// that of a suite is seconds for each device and size.
func (p Plan) foretell(ctx context.Context, wires []result.Calibration) {
	const patience = 10 * time.Second
	p.Trouble = learned(wires)
	if p.OnForetold == nil || p.Trouble.isUsual() || p.Journal != nil && p.Journal.Waiting > 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if _, total, err := p.Estimate(ctx); err == nil {
		p.OnForetold(p.Trouble, total-p.calibrating())
	}
}

// Estimate returns how long the run takes: for each test, of all devices and sizes together, and in
// total. It measures nothing: the tests run on simulated devices. Their rate is a guess, which
// changes the duration little.
func (p Plan) Estimate(ctx context.Context) (steps []simulated.Step, total time.Duration, err error) {
	simulations := 1 // of a suite: its searches take a small part of its time
	if p.Profile.Suite == nil {
		simulations = 20 // searches take longer or shorter by chance
	}
	for n := range simulations {
		if steps, err = p.simulate(ctx, uint64(n), steps); err != nil {
			return nil, 0, err
		}
	}
	cells := len(p.Devices) * len(p.Sizes)
	total = p.calibrating() + time.Duration(cells*len(p.Profile.suites(cells)))*perBench
	trials := 0
	for i := range steps {
		steps[i].Trials /= simulations
		steps[i].Time /= time.Duration(simulations)
		trials += steps[i].Trials
		total += steps[i].Time
	}
	if p.Streams != nil {
		total += time.Duration(len(p.Devices)) * perTCP
	}
	return steps, total + p.besideControl(trials/len(p.Devices)), nil
}

// calibrating returns how long the run takes until its first device comes up.
func (p Plan) calibrating() time.Duration { return perRun + time.Duration(len(p.Sizes))*perSize }

// simulate adds the time of all tests of all devices and sizes to steps.
func (p Plan) simulate(ctx context.Context, seed uint64, steps []simulated.Step) ([]simulated.Step, error) {
	for _, d := range p.Devices {
		for _, size := range p.Sizes {
			for _, suite := range p.Profile.suites(len(p.Devices) * len(p.Sizes)) {
				seed += 1000
				one, err := p.estimate(ctx, suite, d.HasProcesses(), size, seed)
				if err != nil {
					return nil, err
				}
				for _, s := range one {
					steps = addStep(steps, s)
				}
			}
		}
	}
	return steps, nil
}

// besideControl returns how long it takes to measure the devices beside the control, in a run in
// which each device has so many trials.
func (p Plan) besideControl(trials int) time.Duration {
	if p.Control == nil || p.Profile.Suite != nil {
		return 0
	}
	up := 1 // the control
	for _, d := range p.Devices {
		if d.Up != nil && d.Spec != p.Control.Spec {
			up++
		}
	}
	rounds := p.Profile.rounds(len(p.Devices) * len(p.Sizes))
	times := 2*rounds*len(p.Sizes) + trials/cyclesBetween
	return time.Duration(times) * (perTrial + control.Takes(up))
}

// estimate is the estimate of one suite at one frame size.
func (p Plan) estimate(ctx context.Context, s rfc2544.Suite, processes bool, size rfc2544.FrameSize, seed uint64) ([]simulated.Step, error) {
	nominal := p.Link.MaxFrameRate(size)
	offerable := min(nominal, guessedOfferable)
	device := p.guess(nominal)
	device.NoProcesses, device.Seed = !processes, seed
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

// Assumed standard deviation of a tunnel's rate from trial to trial. It changes the time of a search
// by half.
const (
	noiseShort = 0.05  // of the trials of half a second in rounds
	noiseLong  = 0.002 // of those of a suite
)

// guess returns a simulated tunnel on a machine with the expected trouble. What disturbs it loses no
// frames.
func (p Plan) guess(nominal rfc2544.Rate) *simulated.Device {
	capacity := min(guessedCapacity, guessedShare*nominal)
	d, err := simulated.Parse(fmt.Sprintf("capacity=%.0ffps,queue=1000,boot_time=500ms", float64(capacity)))
	if err != nil {
		panic(err) // the text is a constant
	}
	trouble := cmp.Or(p.Trouble, usualTrouble)
	d.Invalid, d.Disturbed, d.Noise = trouble.Broken, trouble.Disturbed, noiseShort
	if p.Profile.Suite != nil {
		d.Noise = noiseLong
	}
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

func (t Trouble) String() string {
	return fmt.Sprintf("%.2g %% of the trials are broken and %.2g %% of their time is disturbed", 100*t.Broken, 100*t.Disturbed)
}

// WriteEstimate writes what would be measured and how long it would take.
func (p Plan) WriteEstimate(ctx context.Context, w io.Writer, direction string) error {
	steps, total, err := p.Estimate(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "profile %s: %d devices at %d sizes, direction %s\n", p.Profile.Name, len(p.Devices), len(p.Sizes), direction)
	fmt.Fprintf(w, "if %v:\n", cmp.Or(p.Trouble, usualTrouble))
	for _, step := range steps {
		fmt.Fprintf(w, "  %-16s %5d trials  %10s\n", step.Test, step.Trials, step.Time.Round(time.Second))
	}
	_, err = fmt.Fprintf(w, "  %-16s %12s  %10s\n", "in all", "", total.Round(time.Second))
	return err
}
