// Package control makes and keeps the sessions of a WireGuard device, beside the data.
//
//	decap --handshake messages--> queue --+
//	encap, decap --------raise----------->+--> device --> messages --> underlay
//	clock ------------------------------->+
package control

import (
	"net/netip"
	"time"

	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// Control runs on a goroutine of its own, so that data never wait for a curve operation.
type Control struct {
	device *wireguard.Device
	send   func([]wireguard.Send)
	now    func() time.Time
	queue  chan message
	held   message // the one in work, here so that it allocates nothing
	wake   chan struct{}
	load   wireguard.Load
}

// message is a message of type 1, 2 or 3, copied out of its receive buffer.
type message struct {
	data   [wireguard.InitiationLen]byte
	length int
	from   netip.AddrPort
}

// longestSleep is how long Run sleeps at most. Deadlines that data set meanwhile are further ahead, or may be met
// so much later.
const longestSleep = time.Second

// New returns the control of a device. It passes to send what is to be sent.
func New(device *wireguard.Device, send func([]wireguard.Send)) *Control {
	return &Control{device: device, send: send, now: time.Now, queue: make(chan message, wireguard.MaxWaiting), wake: make(chan struct{}, 1)}
}

// Now returns the time by the control's clock.
func (c *Control) Now() time.Time { return c.now() }

// Hand passes on a handshake message. It reports false if too many wait: then the message is dropped before any
// work is spent on it.
func (c *Control) Hand(datagram []byte, from netip.AddrPort) bool {
	m := message{length: len(datagram), from: from}
	copy(m.data[:], datagram)
	select {
	case c.queue <- m:
		return true
	default:
		return false
	}
}

// Raise makes Run look at once at what is due.
func (c *Control) Raise() {
	select {
	case c.wake <- struct{}{}:
	default: // it was told before
	}
}

// Run works until stop is closed.
func (c *Control) Run(stop <-chan struct{}) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-stop:
			return
		case c.held = <-c.queue:
			c.handle()
			continue
		case <-c.wake:
		case <-timer.C:
		}
		c.send(c.device.Tick(c.now()))
		timer.Reset(c.sleep(c.now()))
	}
}

// At does at one moment what Run would do, and stops the clock there.
func (c *Control) At(now time.Time) {
	c.now = func() time.Time { return now }
	for len(c.queue) > 0 {
		c.held = <-c.queue
		c.handle()
	}
	c.send(c.device.Tick(now))
}

// handle answers the message in work. The device counts those that it refuses.
func (c *Control) handle() {
	begin, m := c.now(), &c.held
	sends, _ := c.device.Handshake(begin, m.data[:m.length], m.from, c.load.Busy(begin, len(c.queue)))
	if len(sends) > 0 {
		c.send(sends)
	}
	c.load.Worked(begin, c.now().Sub(begin))
}

// sleep returns how long nothing is due.
func (c *Control) sleep(now time.Time) time.Duration {
	next := c.device.Next()
	if next.IsZero() {
		return longestSleep
	}
	return min(longestSleep, max(0, next.Sub(now)))
}
