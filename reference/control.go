package reference

import (
	"time"

	"github.com/tunnelbench/tunnelbench/reference/stats"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// control makes and keeps the sessions of a sealed tunnel.
//
//	decap --handshake messages--> queue --+
//	encap, decap --------wake------------>+--> device --> messages --> underlay
//	clock ------------------------------->+
type control struct {
	format   *sealed
	conn     conn
	counters *stats.Counters // of encap, for packets that have waited for a session
	unsent   uint64          // counted so far
	load     loadMeter
}

// A device is under load when so many handshake messages wait, or handshakes took so much of a core in the last
// second.
const (
	busyQueue = maxHandshakes / 8
	busyShare = 0.2
)

// longestSleep is how long control sleeps at most. Deadlines that data set meanwhile are further ahead.
const longestSleep = time.Second

// run works until stop is closed.
func (c *control) run(stop <-chan struct{}) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-stop:
			return
		case m := <-c.format.handshakes:
			begin := time.Now()
			busy := len(c.format.handshakes) >= busyQueue || c.load.share(begin) > busyShare
			sends, _ := c.format.device.Handshake(begin, m.data[:m.length], m.from, busy) // the device counts refusals
			c.send(sends)
			c.load.add(begin, time.Since(begin))
			continue
		case <-c.format.wake:
		case <-timer.C:
		}
		c.send(c.format.device.Tick(time.Now()))
		timer.Reset(c.sleep(time.Now()))
	}
}

// sleep returns how long nothing is due.
func (c *control) sleep(now time.Time) time.Duration {
	next := c.format.device.Next()
	if next.IsZero() {
		return longestSleep
	}
	return min(longestSleep, max(0, next.Sub(now)))
}

// send sends messages. Those with packets that have waited are counted.
func (c *control) send(sends []wireguard.Send) {
	for _, s := range sends {
		to := c.endpoint(s)
		err := c.conn.sendOne(s.Datagram, to)
		if len(s.Datagram) <= wireguard.MinDataLen || wireguard.IsHandshake(s.Datagram) {
			continue
		}
		if err != nil {
			c.counters.Late(0, stats.DropSend, 1)
			continue
		}
		c.counters.Late(1, stats.DropNone, 0)
		s.Peer.Owner.(*peer).sent.add(1, uint64(s.Packet))
	}
	if unsent := c.format.device.Tally().Unsent; unsent > c.unsent {
		c.counters.Late(0, stats.DropSession, unsent-c.unsent)
		c.unsent = unsent
	}
}

// endpoint returns where a message goes to. A peer's address is noted.
func (c *control) endpoint(s wireguard.Send) *endpoint {
	if s.Peer == nil {
		return newEndpoint(s.To)
	}
	p := s.Peer.Owner.(*peer)
	at := p.at.Load()
	if at == nil || at.addr != s.To {
		at = newEndpoint(s.To)
		p.at.Store(at)
	}
	return at
}

// loadMeter knows the share of time that was spent working, over the last second or two.
type loadMeter struct {
	since         time.Time     // begin of this second
	spent, before time.Duration // in it, and in the one before
}

// add notes work.
func (m *loadMeter) add(now time.Time, spent time.Duration) {
	m.roll(now)
	m.spent += spent
}

// share returns the larger share of this second and the one before.
func (m *loadMeter) share(now time.Time) float64 {
	m.roll(now)
	return max(m.spent, m.before).Seconds()
}

func (m *loadMeter) roll(now time.Time) {
	if age := now.Sub(m.since); age >= time.Second {
		m.before = m.spent
		if age >= 2*time.Second {
			m.before = 0
		}
		m.since, m.spent = now, 0
	}
}
