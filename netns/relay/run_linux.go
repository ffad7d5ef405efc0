package relay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/sys"
)

// Sizes of the receive rings. A relay with Config.Cost has a shorter ring, because a long queue
// would look like a higher capacity in a short trial.
const (
	ringBytes     = 64 << 20             // memory of a ring
	costlySlots   = 1024                 // slots of the ring of a relay with Config.Cost
	ringOverhead  = 80 + 14 + 4          // bytes of a slot besides the IP packet: kernel, Ethernet and VLAN header
	offsetRefresh = 5 * time.Millisecond // interval between two readings of the clock offset
)

// Run forwards frames between the two interfaces of this process's network namespace, besides lo.
// Direction 0 is from the first interface by name to the second. Run calls ready when it has
// started and returns when ctx is done. Then it writes one line with its counters to log. If the
// relay lost frames by mistake, Run also writes a line that starts with "error:".
func Run(ctx context.Context, c Config, ready func(), log io.Writer) error {
	r, err := open(c)
	if err != nil {
		return err
	}
	defer r.close()
	debug.SetGCPercent(-1) // the loop allocates no memory, so it needs no garbage collection
	if !c.Sleep {
		if err := sys.BecomeFirst(); err != nil {
			return err
		}
	}
	return r.run(ctx, ready, log)
}

func (r *relay) run(ctx context.Context, ready func(), log io.Writer) error {
	var stop atomic.Bool
	defer context.AfterFunc(ctx, func() { stop.Store(true) })()
	ready()
	return errors.Join(r.loop(&stop), r.report(log))
}

// relay forwards frames in both directions.
type relay struct {
	directions [2]*direction
	poll       *sys.PacketPoll // waits for frames; nil: poll without sleeping
	offset     int64           // CLOCK_REALTIME minus CLOCK_MONOTONIC in ns
	offsetAt   int64           // time of the next reading of offset
}

func open(c Config) (*relay, error) {
	devs, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("interfaces: %w", err)
	}
	devs = slices.DeleteFunc(devs, func(d net.Interface) bool { return d.Flags&net.FlagLoopback != 0 })
	slices.SortFunc(devs, func(a, b net.Interface) int { return cmp.Compare(a.Name, b.Name) })
	if len(devs) != 2 {
		return nil, fmt.Errorf("%d interfaces: a relay is between two", len(devs))
	}
	r := &relay{}
	clock := &trialClock{}
	for i := range r.directions {
		d := &direction{
			lane: newLane(c, uint64(i), clock), line: newLine(lineFrames, lineBytes, devs[i].MTU+ringOverhead),
			from: devs[i].Name, to: devs[1-i].Name, batch: make([][]byte, 0, batchFrames), most: batchFrames,
		}
		if c.Cost > 0 {
			d.most = 1 // send each frame before the busy-waiting for the next frame
		}
		if d.in, err = openRing(c, devs[i]); err != nil {
			return nil, errors.Join(err, r.close())
		}
		r.directions[i] = d
	}
	r.directions[0].out, r.directions[1].out = r.directions[1].in, r.directions[0].in
	if c.Sleep {
		r.poll = sys.NewPacketPoll(r.directions[0].in, r.directions[1].in)
	}
	return r, nil
}

func openRing(c Config, dev net.Interface) (*sys.PacketSocket, error) {
	slot := 1
	for slot < dev.MTU+ringOverhead {
		slot *= 2
	}
	slots := ringBytes / slot
	if c.Cost > 0 {
		slots = costlySlots
	}
	s, err := sys.OpenPacket(dev.Index, slots, slot)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dev.Name, err)
	}
	return s, nil
}

func (r *relay) close() error {
	var errs []error
	for _, d := range r.directions {
		if d != nil {
			errs = append(errs, d.in.Close())
		}
	}
	return errors.Join(errs...)
}

func (r *relay) loop(stop *atomic.Bool) error {
	for !stop.Load() {
		done, err := r.turn(int64(sys.Monotonic()))
		if err == nil && done == 0 && r.poll != nil {
			err = r.sleep()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// turn lets both directions receive and send once. done is the number of frames that they
// received and sent.
func (r *relay) turn(now int64) (done int, err error) {
	if now >= r.offsetAt {
		r.offset, r.offsetAt = sys.ClockOffset(), now+int64(offsetRefresh)
	}
	for _, d := range r.directions {
		done += d.receive(r.offset)
		n, err := d.send(int64(sys.Monotonic()))
		if err != nil {
			return done, err
		}
		done += n
	}
	return done, nil
}

// sleep waits until a frame arrives or a frame has to be sent, for at most 50 ms.
func (r *relay) sleep() error {
	const longest = int64(50 * time.Millisecond) // so that the loop soon notices that ctx is done
	now := int64(sys.Monotonic())
	wake := now + longest
	for _, d := range r.directions {
		wake = d.wake(wake)
	}
	if wake <= now {
		return nil
	}
	return r.poll.Wait(time.Duration(wake - now))
}

// report writes the counters and the errors to log.
func (r *relay) report(log io.Writer) error {
	var did []string
	var errs []error
	for _, d := range r.directions {
		did = append(did, d.String())
		failed, err := d.failed()
		errs = append(errs, err)
		if failed != "" {
			_, err := fmt.Fprintln(log, "error: "+failed)
			errs = append(errs, err)
		}
	}
	_, err := fmt.Fprintln(log, strings.Join(did, "; "))
	return errors.Join(append(errs, err)...)
}
