package field

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/control"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// rounds measures the devices that work beside the control. Each round has them in another order, so that other devices
// are up together.
func (r *run) rounds(ctx context.Context) error {
	for number := range r.Profile.Rounds {
		left := slices.DeleteFunc(slices.Clone(r.Devices), func(d Device) bool { return !r.takesPart(d) || r.Store.of(d).has(number) })
		order := rand.New(rand.NewPCG(r.Settings.Seed, uint64(number)))
		order.Shuffle(len(left), func(i, j int) { left[i], left[j] = left[j], left[i] })
		for some := range slices.Chunk(left, mostLane) {
			if err := r.party(ctx, number, some); err != nil {
				return err
			}
		}
	}
	return nil
}

// party measures devices that are up at once in one round. One that is at fault is measured with the control alone. What is no
// fault of a device is tried once more.
func (r *run) party(ctx context.Context, number int, devices []Device) error {
	for again := true; ; {
		r.step("round %d of %d: %d devices beside %s", number+1, r.Profile.Rounds, len(devices), r.Control.Spec)
		faulty, err := r.together(ctx, number, devices)
		devices = slices.DeleteFunc(slices.Clone(devices), func(d Device) bool { return r.Store.of(d).has(number) })
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case len(devices) == 0:
			return err
		case faulty >= 0 && len(devices) > 1:
			one := devices[faulty]
			if err := r.party(ctx, number, []Device{one}); err != nil {
				return err
			}
			devices = slices.Delete(devices, faulty, faulty+1)
		case faulty >= 0 || !again || errors.Is(err, errors.ErrUnsupported): // or nothing takes turns here
			return r.give(number, devices, err)
		default:
			again = false
		}
	}
}

// give records that devices could not be measured in a round.
func (r *run) give(number int, devices []Device, why error) error {
	for _, d := range devices {
		rec := r.Store.of(d)
		if rec.has(number) {
			continue
		}
		rec.Rounds = append(rec.Rounds, round{Number: number, Why: oneLine(why), Sizes: []size{}})
		if err := r.Store.save(d); err != nil {
			return err
		}
	}
	return nil
}

// together brings the control and the devices up and measures them at every frame size. If a device is at fault, faulty is
// its index, else -1.
func (r *run) together(ctx context.Context, number int, devices []Device) (faulty int, err error) {
	up := []dut.Device{r.Control}
	for _, d := range devices {
		up = append(up, d.Device)
	}
	g, err := r.lab.Group(ctx, up, r.Settings, slices.Max(r.Sizes))
	if err != nil {
		var who lab.MemberError
		if errors.As(err, &who) {
			return who.Index - 1, err
		}
		return -1, err
	}
	defer func() { err = errors.Join(err, g.Close()) }()
	rounds := make([]round, len(up))
	for i := range rounds {
		rounds[i] = round{Number: number, Sizes: []size{}}
	}
	for i, s := range r.Sizes {
		if err := r.turns(ctx, g, s, rounds); err != nil {
			if i == 0 || ctx.Err() != nil {
				return -1, err
			}
			break // what was measured counts
		}
	}
	for i, d := range devices {
		rec := r.Store.of(d)
		rec.Rounds = append(rec.Rounds, rounds[i+1])
		if err := r.Store.save(d); err != nil {
			return -1, err
		}
	}
	return -1, nil
}

// mostRepeats is how many times as often as on a machine that nothing disturbs a round is measured at a frame size.
const mostRepeats = 4

// turns measures all devices at a frame size until each has the blocks of the profile, or has died. A busy machine gives
// fewer.
func (r *run) turns(ctx context.Context, g control.Group, s rfc2544.FrameSize, rounds []round) error {
	wanted := r.Profile.Others
	if s == slices.Min(r.Sizes) {
		wanted = r.Profile.Smallest
	}
	of := make([]size, len(rounds))
	for n := 0; n < mostRepeats*wanted/blocksOfTurns; n++ {
		all, err := control.Measure(ctx, g, s)
		if err != nil {
			return err
		}
		least := wanted
		for k, shown := range all {
			if shown.Died != nil {
				if rounds[k].Why == "" {
					rounds[k].Why, rounds[k].Died = fmt.Sprintf("at %d bytes: %s", s, oneLine(shown.Died)), all[0].Died == nil
				}
				continue
			}
			of[k].Blocks = append(of[k].Blocks, shown.Blocks...)
			least = min(least, len(of[k].Blocks))
		}
		if least >= wanted || all[0].Died != nil {
			break
		}
	}
	for k := range rounds {
		if len(of[k].Blocks) > 0 {
			rounds[k].Sizes = append(rounds[k].Sizes, size{s, of[k].Blocks})
		}
	}
	return nil
}
