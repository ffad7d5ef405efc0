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
	load     wireguard.Load
}

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
			c.handle(m)
			continue
		case <-c.format.wake:
		case <-timer.C:
		}
		c.tick()
		timer.Reset(c.sleep(c.format.now()))
	}
}

// handle answers a handshake message. The device counts those that it refuses.
func (c *control) handle(m handshakeMessage) {
	begin := c.format.now()
	busy := c.load.Busy(begin, len(c.format.handshakes))
	sends, _ := c.format.device.Handshake(begin, m.data[:m.length], m.from, busy)
	c.send(sends)
	c.load.Worked(begin, c.format.now().Sub(begin))
}

// tick does what is due.
func (c *control) tick() { c.send(c.format.device.Tick(c.format.now())) }

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
