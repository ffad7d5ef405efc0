package relay

import (
	"fmt"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/sys"
)

// batchFrames is the number of frames that one direction receives or sends before the other
// direction continues.
const batchFrames = 64

// direction forwards frames one way through the relay, from one interface to the other.
type direction struct {
	*lane
	*line
	in, out  *sys.PacketSocket
	from, to string   // names of the interfaces
	batch    [][]byte // argument of PacketSocket.Send, reused
	most     int      // maximum number of frames that receive takes at once
	took     uint64   // frames that the output interface has accepted
	refused  uint64   // send attempts that failed because the output queue was full; repeated later
	cut      uint64   // frames longer than a slot of the ring, which the relay loses
}

// receive moves frames from the receive ring to the line until the line is full. Other frames stay
// in the ring with their receive times. offset is the difference between the kernel's receive
// times (CLOCK_REALTIME) and the departure times (CLOCK_MONOTONIC), in ns.
func (d *direction) receive(offset int64) (n int) {
	for ; n < d.most; n++ {
		p, ok := d.in.Next()
		if !ok || !d.hasRoom(len(p.Data)) {
			return n
		}
		if d.cfg.Cost > 0 {
			busyWait(d.cfg.Cost)
		}
		switch {
		case len(p.Data) < p.Length:
			d.cut++
		default:
			if fate := d.admit(p.At-offset, factsOf(p.Data, p.Length)); fate.verdict == passed {
				d.push(p.Data, fate)
			}
		}
		d.in.Release()
	}
	return n
}

// busyWait keeps the core busy for d. It simulates a device that needs more CPU time per frame.
func busyWait(d time.Duration) {
	for end := sys.Monotonic() + uint64(d); sys.Monotonic() < end; {
	}
}

// send sends the frames whose departure time has come.
func (d *direction) send(now int64) (n int, err error) {
	if d.hasRoom(0) {
		if depart, ok := d.expire(now); ok {
			d.release(depart)
		}
	}
	d.batch = d.due(d.batch[:0], now)
	if len(d.batch) == 0 {
		return 0, nil
	}
	n, err = d.out.Send(d.batch)
	if err != nil {
		return n, fmt.Errorf("%s: send: %w", d.to, err)
	}
	d.sent(n)
	d.took += uint64(n)
	d.refused += uint64(len(d.batch) - n)
	return n, nil
}

// wake returns the time at which the direction has to send or release a frame, or latest if
// that is earlier.
func (d *direction) wake(latest int64) int64 {
	if !d.empty() {
		latest = min(latest, d.first().depart)
	}
	if d.holding {
		latest = min(latest, d.heldAt+holdLimit)
	}
	return latest
}

// String returns the counters of the direction as text for a log.
func (d *direction) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s to %s: in %d, out %d", d.from, d.to, d.tally.in, d.took)
	for _, c := range []struct {
		what string
		n    uint64
	}{
		{"dropped by outage", d.tally.verdicts[droppedByOutage]}, {"by pattern", d.tally.verdicts[droppedByPattern]},
		{"by chance", d.tally.verdicts[droppedByChance]}, {"by queue", d.tally.verdicts[droppedByQueue]},
		{"corrupted", d.tally.corrupted}, {"doubled", d.tally.doubled}, {"reordered", d.tally.behind}, {"sent again", d.refused},
	} {
		if c.n > 0 {
			fmt.Fprintf(&b, ", %s %d", c.what, c.n)
		}
	}
	return b.String()
}

// failed returns an error message if the relay lost frames by mistake, or "" if it did not. A
// relay with Config.Cost is slow on purpose, so its losses are no mistake.
func (d *direction) failed() (string, error) {
	full, err := d.in.Dropped()
	if err != nil {
		return "", err
	}
	if d.cfg.Cost > 0 || full+d.cut == 0 {
		return "", nil
	}
	return fmt.Sprintf("%s: lost by the relay itself: %d frames (its ring was full), %d (longer than the MTU)", d.from, full, d.cut), nil
}
