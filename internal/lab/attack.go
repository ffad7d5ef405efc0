package lab

import (
	"context"
	"errors"
	"time"

	"github.com/tunnelbench/tunnelbench/fuzz/live/mutate"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// As whom an attacker sends.
const (
	AttackStranger = "stranger" // an address of the underlay that is neither end's
	AttackSpoofed  = "spoofed"  // the other end's address and port
	AttackForger   = "forger"   // the same, and what it sends may be right in every field
)

// AttackPlan is an attack on one device.
type AttackPlan struct {
	Settings Settings
	As       []string // senders, by turns
	Name     string   // of the mutants, for the report
	Mutants  func(mutate.Path) *mutate.Stream
	Rate     rfc2544.Rate // of mutants
	Size     rfc2544.FrameSize
	// Load is the legitimate flow's: Share of the forwarding rate, if above 0, else Rate.
	Share     float64
	Load      rfc2544.Rate
	Duration  time.Duration // of all trials together
	First     uint64        // number of the first mutant
	Tolerance float64       // by which the attacked trials' median loss may be above all quiet trials'; 0: DefaultTolerance
	OnRate    func(forwarding, load rfc2544.Rate)
	OnTrial   func(reports.LiveTrial)
}

// DefaultTolerance is a fifth of a percent of the frames.
const DefaultTolerance = 0.002

// The attack's trials.
const (
	attackPairs    = 3               // quiet and attacked, at least
	longestTrial   = 3 * time.Second // more says no more
	shortestTrial  = 250 * time.Millisecond
	attackAttempts = 3        // at a valid trial
	mostRoom       = 64 << 20 // octets of mutants
	mutantRoom     = 320      // octets that one takes on average, and more
)

// AttackReport is what came of an attack.
type AttackReport struct {
	reports.LiveDevice

	path    mutate.Path
	mutants *mutate.Stream
	rate    rfc2544.Rate
}

// Attack measures what a legitimate flow through the device suffers while mutants
// arrive at one of its ends: trials with and without them by turns, at the same
// load. The error is for what kept the lab from saying anything; what the device
// did wrong is in the report's findings.
func (l *Lab) Attack(ctx context.Context, d dut.Device, p AttackPlan) (AttackReport, error) {
	p.Settings = p.Settings.Resolved()
	a := &raid{lab: l, plan: p}
	a.report.LiveDevice = reports.LiveDevice{
		DUT: d.Spec, Mutants: p.Name, First: p.First, Next: p.First, Tolerance: p.Tolerance,
		Findings: []reports.LiveFinding{}, Notes: []string{}, Trials: []reports.LiveTrial{},
	}
	if a.report.Tolerance == 0 {
		a.report.Tolerance = DefaultTolerance
	}
	a.report.rate, a.next = p.Rate, p.First
	err := a.run(ctx, d)
	if err != nil && !errors.Is(err, ErrDied) {
		a.report.Error = oneLine(err)
		if errors.Is(err, errors.ErrUnsupported) {
			a.report.Unsupported = a.report.Error
		}
		return a.report, err
	}
	return a.report, nil
}

func (a *raid) run(ctx context.Context, d dut.Device) error {
	b, err := a.open(ctx, d)
	if err != nil {
		return err
	}
	a.bench = b
	err = a.measure(ctx)
	if errors.Is(err, ErrDied) && a.report.Deaths == 0 {
		a.report.Error = "before the attack: " + lastWords(err)
	}
	judgeAttack(&a.report.LiveDevice)
	return errors.Join(err, b.Close())
}

// measure finds the load and runs the trials.
func (a *raid) measure(ctx context.Context) error {
	most, _, err := a.bench.Explore(ctx, a.plan.Size)
	if err != nil {
		return err
	}
	forwards, err := a.bench.MaxForwardingRate(ctx, a.plan.Size, most)
	if err != nil {
		return err
	}
	if forwards == 0 {
		a.report.Error = "it forwarded nothing before the attack"
		return nil
	}
	load := a.plan.Load
	if a.plan.Share > 0 {
		load = max(MinRate, RoundLoad(rfc2544.Rate(a.plan.Share)*forwards))
	}
	a.report.ForwardingRate, a.report.Load = float64(forwards), float64(load)
	if a.plan.OnRate != nil {
		a.plan.OnRate(forwards, load)
	}
	return a.trials(ctx, load)
}
