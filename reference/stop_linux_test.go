package reference

import (
	"io"
	"net"
	"testing"

	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/reference/settings"
	"github.com/tunnelbench/tunnelbench/reference/stats"
	"github.com/tunnelbench/tunnelbench/reference/wire"
)

// TestFullQueueDoesNotHoldUpTheEnd checks that a port whose queue is not empty ends at once when it is told to: under
// full load the queue may never be empty.
func TestFullQueueDoesNotHoldUpTheEnd(t *testing.T) {
	testenv.NetAdmin(t)
	for name, c := range map[string]struct {
		kind lanKind
		cfg  settings.Config
	}{
		"tun": {"", settings.Config{Port: settings.TUN, Dev: "tun0", MTU: 1500}}, "tun with offloads": {"", settings.Config{Port: settings.TUN, Dev: "tun0", MTU: 1500, Offloads: true}},
		"xdp": {overVeth, settings.Config{Port: settings.XDP, Dev: "lan", MTU: 1500}}, "xdp on a bridge": {overBridge, settings.Config{Port: settings.XDP, Dev: "lan", MTU: 1500}},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEnds(t, 1600)[0]
			from, to := e, "198.18.0.2:9000"
			if c.kind != "" {
				from, to = e.hosts(t, c.kind, 1, 1)[0], "10.2.0.2:9000"
			}
			var p port
			e.inside(t, func() (err error) {
				p, err = openPort(c.cfg)
				return err
			})
			defer p.close()
			if c.kind == "" {
				e.inside(t, func() error { return configure("tun0", "198.18.0.1/24") })
			}
			fillQueue(t, from.listen(t, "0.0.0.0:0"), to, p)
			if err := p.interrupt(); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if err := p.read(newBatch(layout{head: wire.HeaderLen, mtu: 1500}, 1)); err != io.EOF {
					t.Errorf("read after the end: %v, want EOF", err)
				}
			}
		})
	}
}

// fillQueue sends packets and reads one of them, so that others wait.
func fillQueue(t *testing.T, from *net.UDPConn, to string, p port) {
	t.Helper()
	addr, err := net.ResolveUDPAddr("udp", to)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if _, err := from.WriteTo([]byte("another"), addr); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.read(newBatch(layout{head: wire.HeaderLen, mtu: 1500}, 1)); err != nil {
		t.Fatal(err)
	}
}

// endlessDrops is a device with packets that cannot be split, more than anybody can read.
type endlessDrops struct{ reads int }

func (d *endlessDrops) read(b *batch) error {
	d.reads++
	b.tally.Received++
	b.tally.Drops[stats.DropOffload]++
	if d.reads >= 100*superBatch {
		return io.ErrUnexpectedEOF
	}
	return nil
}

func (d *endlessDrops) write([][]byte, *stats.Direction) {}

// TestDroppedPacketsDoNotHoldUpABatch checks that a read that finds only packets to drop returns, so that they are
// counted and the port can end.
func TestDroppedPacketsDoNotHoldUpABatch(t *testing.T) {
	t.Parallel()
	stop, err := sys.NewEvent()
	if err != nil {
		t.Fatal(err)
	}
	defer stop.Close()
	p := &tunPort{stop: stop, lan: &endlessDrops{}}
	b := newBatch(layout{head: wire.HeaderLen, mtu: 1500}, superBatch)
	if err := p.drain(b); err != nil || b.tally.Received == 0 {
		t.Errorf("after %d packets: %v", b.tally.Received, err)
	}
	if err := stop.Raise(); err != nil {
		t.Fatal(err)
	}
	if err := p.read(b); err != io.EOF {
		t.Errorf("read after the end: %v, want EOF", err)
	}
}
