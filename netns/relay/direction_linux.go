package relay

import (
	"fmt"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/sys"
)

// batchFrames is how many frames are received, or sent, before the other
// direction has its turn.
const batchFrames = 64

// direction is all there is of one way through the relay.
type direction struct {
	*lane
	*line
	in, out  *sys.PacketSocket
	from, to string   // names of the interfaces
	batch    [][]byte // Send's, reused
	most     int      // frames received at a turn
	took     uint64   // by the port they leave by
	refused  uint64   // because that port's queue was full; sent again later
	cut      uint64   // longer than a slot of the ring: lost by the relay itself
}

// receive takes frames from the ring, as far as there is room for them on the
// line: the ring keeps the others, and when they came. offset takes the
// kernel's time of day to the clock of departures.
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

// busyWait spends time on the core: what a more costly device would.
func busyWait(d time.Duration) {
	for end := sys.Monotonic() + uint64(d); sys.Monotonic() < end; {
	}
}

// send forwards the frames that are due.
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

// wake returns the time of the next thing to do, latest at most.
func (d *direction) wake(latest int64) int64 {
	if !d.empty() {
		latest = min(latest, d.first().depart)
	}
	if d.holding {
		latest = min(latest, d.heldAt+holdLimit)
	}
	return latest
}

// String is what the direction has done, for a log.
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

// failed says what the relay lost itself; empty is nothing. A relay that is
// given a cost is meant to be too slow.
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
