package cli

import (
	"errors"
	"time"

	"github.com/spf13/pflag"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// TrialFlags are the options of verbs that run one trial.
type TrialFlags struct {
	Lab          *LabFlags
	Device, Load string
	Size         int
	Duration     time.Duration
}

// floodMost is more than one core can send; it sizes the table of received frames.
const floodMost rfc2544.Rate = 8e6

// AddTo adds the flags to the set.
func (f *TrialFlags) AddTo(set *pflag.FlagSet) {
	f.Lab = AddLabFlags(set)
	set.StringVar(&f.Device, "dut", "", "the `device` under test: a name of 'tunnelbench list', recipe:NAME or exec:PATH")
	set.IntVar(&f.Size, "size", 64, "frame size in `bytes`, FCS included")
	set.StringVar(&f.Load, "load", "", "intended `load`: 150kpps, 1Gbps, 80% (of the link) or max")
	set.DurationVar(&f.Duration, "duration", time.Second, "for how `long` to send")
}

// Parse returns the device, the trial and what the lab needs for it. Errors are of the user's making.
func (f *TrialFlags) Parse(verb string) (d dut.Device, t rfc2544.Trial, cfg LabConfig, err error) {
	if f.Device == "" || f.Load == "" {
		return d, t, cfg, BadUsage("%s: needs --dut and --load: try tunnelbench %s --help", verb, verb)
	}
	if d, err = dut.Parse(f.Device); err != nil {
		return d, t, cfg, BadInput(err)
	}
	if t, err = f.trial(); err != nil {
		return d, t, cfg, err
	}
	if cfg, err = f.Lab.ConfigFor(t.Size, d); err != nil {
		return d, t, cfg, err
	}
	frames := t.Frames()
	if t.Load.IsFlood() {
		frames = floodMost.Frames(t.Duration)
	}
	if frames > loadgen.MaxFrames {
		return d, t, cfg, BadUsage("trial of %d frames: a ledger holds %d: make it shorter or slower", frames, uint64(loadgen.MaxFrames))
	}
	cfg.MaxFrames = max(lab.DefaultMaxFrames, frames)
	return d, t, cfg, f.Lab.CheckFrames(t.Size)
}

func (f *TrialFlags) trial() (t rfc2544.Trial, err error) {
	if t.Size, err = CheckSize(f.Size); err != nil {
		return t, err
	}
	load, err := rfc2544.ParseLoad(f.Load)
	if err != nil {
		return t, BadInput(err)
	}
	link, _, err := f.Lab.Nominal()
	if err != nil {
		return t, err
	}
	t.Load, t.Duration = load.At(t.Size, link), f.Duration
	return t, errors.Join(CheckRate(t.Load), f.CheckDuration())
}

// CheckDuration refuses trials that are too short or too long.
func (f *TrialFlags) CheckDuration() error {
	if f.Duration < time.Millisecond || f.Duration > time.Hour {
		return BadUsage("--duration %v: from 1ms to 1h", f.Duration)
	}
	return nil
}
