package interop

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/closers"
	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/interop"
)

// Standard are the ends that this program knows.
var Standard = []string{"reference-wg-tun", "reference-wg-xdp", "wireguard-go", "tailscale-wireguard-go", "wireguard-kernel"}

// Plan says what is tried.
type Plan struct {
	Ends  []dut.Device
	Quick bool     // without the checks that wait for a rekey
	Only  []string // the names of the checks; empty: all
	Wait  bool     // wait for another lab to end instead of failing
	// OnCell is called after each check, by one goroutine at a time. It may be nil.
	OnCell func(done, all int, c interop.Cell)
}

// ParseEnds parses ends as dut.Parse does. All of them have to speak WireGuard.
func ParseEnds(specs []string) (ends []dut.Device, err error) {
	partner, err := dut.Parse("wireguard-go")
	if err != nil {
		return nil, err
	}
	for _, spec := range specs {
		d, err := dut.Parse(spec)
		if err == nil {
			_, err = dut.Mix(d, partner)
		}
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(ends, func(o dut.Device) bool { return o.Spec == d.Spec }) {
			return nil, fmt.Errorf("%s comes twice: results are told apart by name", d.Spec)
		}
		ends = append(ends, d)
	}
	return ends, nil
}

// checks returns the checks of the plan.
func (p Plan) checks() (wanted []check) {
	for _, c := range checks {
		if !(p.Quick && c.slow) && (len(p.Only) == 0 || slices.Contains(p.Only, c.name)) {
			wanted = append(wanted, c)
		}
	}
	return wanted
}

// Names returns the names of the plan's checks: of all, if it is the zero value.
func (p Plan) Names() (names []string) {
	for _, c := range p.checks() {
		names = append(names, c.name)
	}
	return names
}

// pair is a pair of ends.
type pair struct {
	device      dut.Device
	unsupported error // why it cannot run here
}

// tester holds what all checks share.
type tester struct {
	run, dir string
	guardian *netns.Guardian
	cpus     []int
	building chan struct{} // a place for each bring-up at a time
	pairs    map[string]pair
	closers  closers.Stack
}

const (
	atOnce   = 8 // checks at a time; they wait for timers most of the time
	bringUps = 3 // at a time
)

// Run fills the report with the outcome of each check of each pair. If ctx ends, the cells that are left have no
// verdict. The error says why nothing could be tried.
func Run(ctx context.Context, p Plan, r *interop.Report) (err error) {
	t := &tester{run: rand.Text(), building: make(chan struct{}, bringUps), pairs: map[string]pair{}}
	defer func() { err = errors.Join(err, t.closers.Close()) }()
	if err := t.open(ctx, p.Wait); err != nil {
		return err
	}
	if err := t.pair(ctx, p.Ends); err != nil {
		return err
	}
	t.all(ctx, r, p.Fill(r))
	return nil
}

// open takes the machine for itself.
func (t *tester) open(ctx context.Context, wait bool) (err error) {
	if err := netns.CheckRoot(); err != nil {
		return err
	}
	lock, err := netns.Lock(ctx, wait)
	if err != nil {
		return err
	}
	t.closers.Push(lock.Close)
	if t.guardian, err = netns.StartGuardian(lock); err != nil {
		return err
	}
	t.closers.Push(t.guardian.Close)
	if t.dir, err = t.guardian.TempDir("tunnelbench-interop-"); err != nil {
		return err
	}
	t.cpus, err = netns.AllowedCPUs()
	return err
}

// pair makes the pairs of all ends.
func (t *tester) pair(ctx context.Context, ends []dut.Device) error {
	lacks := make([]error, len(ends))
	for i, e := range ends {
		lacks[i] = e.Probe(ctx)
	}
	for i, l := range ends {
		for j, r := range ends {
			d, err := dut.Mix(l, r)
			if err != nil {
				return err
			}
			t.pairs[key(l.Spec, r.Spec)] = pair{d, errors.Join(lacks[i], lacks[j])}
		}
	}
	return nil
}

func key(left, right string) string { return left + " " + right }

// all tries all cells: the light checks some at a time, then the heavy ones one by one, then all that wait for a rekey at
// once.
func (t *tester) all(ctx context.Context, r *interop.Report, cells *Cells) {
	for _, stage := range []struct {
		of     func(check) bool
		places int
	}{
		{func(c check) bool { return !c.slow && !c.heavy }, atOnce},
		{func(c check) bool { return c.heavy }, 1},
		{func(c check) bool { return c.slow }, len(r.Cells)},
	} {
		places := make(chan struct{}, stage.places)
		var running sync.WaitGroup
		for i, cell := range slices.Clone(r.Cells) {
			c := cells.checks[i]
			if !stage.of(c) {
				continue
			}
			places <- struct{}{}
			running.Go(func() {
				defer func() { <-places }()
				cells.Note(t.try(ctx, cell, c))
			})
		}
		running.Wait()
	}
}

// try tries one cell.
func (t *tester) try(ctx context.Context, cell interop.Cell, c check) interop.Cell {
	p := t.pairs[key(cell.Left, cell.Right)]
	start := time.Now()
	err := p.unsupported
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err == nil {
		err = c.run(ctx, t, p)
	}
	cell.Seconds = time.Since(start).Seconds()
	cell.Outcome, cell.Why = outcome(ctx, err)
	return cell
}

// outcome returns the outcome of a check that returned err, and one line that says why.
func outcome(ctx context.Context, err error) (interop.Outcome, string) {
	if err == nil {
		return interop.Passed, ""
	}
	why := strictjson.Clean(strings.Join(strings.Fields(err.Error()), " "))
	switch {
	case ctx.Err() != nil, errors.As(err, new(testerError)):
		return interop.NoVerdict, why
	case errors.Is(err, errors.ErrUnsupported):
		return interop.Unsupported, why
	}
	return interop.Failed, why
}
