package behaviour

import (
	"context"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab/behaviour/events"
	"github.com/tunnelbench/tunnelbench/reports/behaviour"
)

// overTime are the tests of what a device does when something happens to it. They take time.
var overTime = []Test{
	{"idle", "octets on the wan while nothing is sent for a minute, and the first packet after it", 70 * time.Second, event(events.Idle)},
	{"restart", "each end is stopped and started again: until packets flow, and what was lost", 5 * time.Second, event(events.Restart)},
	{"rekey", "loss and delay around the moment at which the ends agree on new keys", 135 * time.Second, event(events.Rekey)},
	{"roaming", "the left end's underlay address changes, and its port behind a NAT: until packets flow, and what was lost", 5 * time.Second, event(events.Roaming)},
	{"flap", "the wan is down for 1 and for 10 s: until packets flow, and what was lost or came late", 16 * time.Second, event(events.Flap)},
	{"bufferbloat", "the round trip beside a TCP stream that fills the queue of a link of 50 Mbit/s", 10 * time.Second, event(events.Bufferbloat)},
	{behaviour.Goodput, "TCP at 0.1, 1 and 3 % loss and 20 and 100 ms, by cubic, bbr and reno, beside the same path without a tunnel", 6 * time.Minute, event(events.Goodput)},
	{"tcp-in-tcp", "TCP in a tunnel that is carried by TCP, with loss and delay", 5 * time.Second, event(events.TCPInTCP)},
}

// event makes a test of one that needs no Stand.
func event(run func(context.Context, *events.Bench) (behaviour.Finding, error)) func(context.Context, *Bench) (behaviour.Finding, error) {
	return func(ctx context.Context, b *Bench) (behaviour.Finding, error) {
		times := events.Usual
		if b.Long {
			times = events.Long
		}
		return run(ctx, &events.Bench{Lab: b.Lab, Device: b.Device, Settings: b.Settings, Times: times})
	}
}
