package rfc2544

import (
	"context"
	"fmt"
	"time"
)

// NameLossRate is the name of the frame loss rate test.
const NameLossRate = "frame_loss_rate"

// LossRateConfig is the input of RunLossRate.
type LossRateConfig struct {
	Size      FrameSize
	Nominal   Rate // R: 100 %
	Offerable Rate // maximum offered load: what the tester can send
	Step      int  // percent of R, 1 to 10
	Trial     time.Duration
}

// RunLossRate implements RFC 2544 section 26.3: the loss at 100 % of the nominal rate,
// then at lower and lower loads, until two loads in a row lose no frame. Below 10 %
// the steps are 1 %. Loads that the tester cannot offer are left out with a
// warning. It yields frame_loss_rate_90, for example, at 90 %: lost frames in percent of
// the frames offered; and frame_loss_rate at the highest load offered. A load without a
// valid trial has no value.
func RunLossRate(ctx context.Context, m Measurer, cfg LossRateConfig) (Outcome, error) {
	out := newOutcome(NameLossRate)
	if !(cfg.Nominal > 0) || cfg.Nominal.IsFlood() || cfg.Step < 1 || cfg.Step > 10 || cfg.Trial <= 0 {
		return out.bad("R %v, step %d %%, trials of %v: R and trial above zero, the step from 1 to 10 %%", cfg.Nominal, cfg.Step, cfg.Trial)
	}
	var short shortfalls
	short.duration(TrialDuration, cfg.Trial, minuteTrial, "RFC 2544 section 24")
	out.fallShort(short)
	beyond, clean, highest := 0, 0, true
	for percent := 100; percent > 0 && clean < 2; percent = below(percent, cfg.Step) {
		load := cfg.Nominal * Rate(percent) / 100
		if load > cfg.Offerable {
			beyond = percent
			continue
		}
		seen, err := out.measure(ctx, m, NameLossRate, Trial{Size: cfg.Size, Load: load, Duration: cfg.Trial})
		if err != nil {
			return out, err
		}
		if !seen.Valid {
			clean, highest = 0, false
			continue
		}
		if clean++; seen.Lost > 0 {
			clean = 0
		}
		if highest {
			out.addLoss(short.name(NameLossRate), seen)
		}
		highest = false
		out.addLoss(short.name(fmt.Sprintf("%s_%d", NameLossRate, percent)), seen)
	}
	if beyond > 0 {
		out.warn("loads from 100 %% to %d %% of R are not offerable: the tester sends %v at most", beyond, cfg.Offerable)
	}
	if clean < 2 {
		out.fail("no two loads in a row without loss")
	}
	return out, nil
}

// below returns the next lower load, in percent of R.
func below(percent, step int) int {
	if percent <= 10 {
		return percent - 1
	}
	return max(percent-step, 10)
}

// addLoss adds the loss of one trial.
func (o *Outcome) addLoss(name string, seen Observation) {
	o.Values = append(o.Values, Value{Name: name, Unit: unitPercent, Value: seen.LossPercent(), N: 1, Better: lowerBetter})
}

// LossPercent returns the frame loss rate of RFC 1242 section 3.6: lost frames in percent of the
// frames offered.
func (o Observation) LossPercent() float64 {
	if o.Offered == 0 {
		return 0
	}
	return float64(o.Lost) * 100 / float64(o.Offered)
}

var _ = register(Test{
	Name: NameLossRate, Title: "Frame loss rate", Section: "RFC 2544, 26.3", Order: 60,
	Efforts: Efforts{
		CI:       LossRateConfig{Step: 10, Trial: time.Second},
		Standard: LossRateConfig{Step: 10, Trial: 20 * time.Second},
		Full:     LossRateConfig{Step: 5, Trial: time.Minute},
	},
})

// RunAt implements Config.
func (cfg LossRateConfig) RunAt(ctx context.Context, m Resetter, p *Progress) (Outcome, error) {
	cfg.Size, cfg.Nominal, cfg.Offerable = p.Size, p.Nominal, p.Offerable
	return RunLossRate(ctx, m, cfg)
}
