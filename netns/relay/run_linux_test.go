package relay

import (
	"bytes"
	"context"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/reexec"
	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/netns"
)

func TestMain(m *testing.M) {
	reexec.Main()
	os.Exit(m.Run())
}

// openBetweenPorts returns an open relay between the tester's two ports. The relay is not running.
func openBetweenPorts(t *testing.T, c Config) (r *relay, ports [2]*sys.PacketSocket) {
	t.Helper()
	testenv.NetAdmin(t)
	n, err := netns.Build(t.Context(), netns.Inline(netns.Plan{}), netns.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	err = n.NS(netns.Left).Do(func() (err error) {
		r, err = open(c)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.close() })
	for i, name := range []string{netns.Port0, netns.Port1} {
		err := n.NS(netns.Tester).Do(func() error {
			dev, err := net.InterfaceByName(name)
			if err == nil {
				ports[i], err = sys.OpenPacket(dev.Index, 4096, 2048)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ports[i].Close() })
	}
	return r, ports
}

// inject sends n test frames out of a port without pauses.
func inject(t *testing.T, port *sys.PacketSocket, n int) {
	t.Helper()
	frame := testFrame(false, 60)
	frame[0] = 2
	for n > 0 {
		batch := make([][]byte, min(n, 1024))
		for i := range batch {
			batch[i] = frame
		}
		for len(batch) > 0 {
			sent, err := port.Send(batch)
			if err != nil {
				t.Fatal(err)
			}
			batch, n = batch[sent:], n-sent
		}
	}
}

// collect removes the frames that a port has received and returns their number.
func collect(port *sys.PacketSocket) (n int) {
	for {
		if _, ok := port.Next(); !ok {
			return n
		}
		port.Release()
		n++
	}
}

func turn(t *testing.T, r *relay) {
	t.Helper()
	if _, err := r.turn(int64(sys.Monotonic())); err != nil {
		t.Fatal(err)
	}
}

// The relay passes as many frames of a burst as the queue holds, plus the frames that left while
// the burst arrived.
func TestBurstIntoAQueue(t *testing.T) {
	const queue, burst = 500, 2000
	r, ports := openBetweenPorts(t, Config{Rate: Rate{PerSecond: 1000}, Queue: queue})
	start := time.Now()
	inject(t, ports[0], burst)
	out := 0
	var took time.Duration // until all have arrived: the kernel may take its time with the last ones
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); out += collect(ports[1]) {
		turn(t, r)
		all := r.directions[0].tally.in == burst
		if all && took == 0 {
			took = time.Since(start)
		}
		if all && r.directions[0].empty() {
			break
		}
	}
	out += collect(ports[1])
	if most := queue + 2 + int(took/time.Millisecond); out < queue+1 || out > most {
		t.Errorf("%d frames passed, want from %d to %d: %v", out, queue+1, most, r.directions[0])
	}
}

// A relay that loses frames by mistake reports an error.
func TestFramesTheRelayLosesItself(t *testing.T) {
	r, ports := openBetweenPorts(t, Config{})
	const slots, more = ringBytes / 2048, 100
	inject(t, ports[1], slots+more)
	var log bytes.Buffer
	if err := r.report(&log); err != nil {
		t.Fatal(err)
	}
	if want := "error: lan1: lost by the relay itself: 100 frames"; !strings.HasPrefix(log.String(), want) {
		t.Errorf("%q, want %q", log.String(), want)
	}
	out := 0
	for range 2 * slots / batchFrames {
		turn(t, r)
		out += collect(ports[0])
	}
	if out != slots {
		t.Errorf("%d frames passed, want the %d in the ring", out, slots)
	}
}

func TestTurnAllocatesNothing(t *testing.T) {
	r, ports := openBetweenPorts(t, Config{Drop: 7, Dup: 5, Reorder: 3})
	inject(t, ports[0], 2000)
	if n := testing.AllocsPerRun(20, func() { turn(t, r) }); n != 0 {
		t.Errorf("%v allocations a turn", n)
	}
	if r.directions[0].tally.in < 1000 {
		t.Errorf("%v", r.directions[0])
	}
}

// Run calls ready, returns when its context is done and writes its counters.
func TestRun(t *testing.T) {
	testenv.NetAdmin(t)
	for _, c := range []Config{{}, {Sleep: true}} {
		r, ports := openBetweenPorts(t, c)
		ctx, cancel := context.WithCancel(t.Context())
		var log bytes.Buffer
		ended := make(chan error, 1)
		begun := make(chan struct{})
		go func() { ended <- r.run(ctx, func() { close(begun) }, &log) }()
		<-begun
		inject(t, ports[0], 10)
		out := 0
		for deadline := time.Now().Add(10 * time.Second); out < 10 && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
			out += collect(ports[1])
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if want := "lan0 to lan1: in 10, out 10; lan1 to lan0: in 0, out 0\n"; out != 10 || log.String() != want {
			t.Errorf("sleep %t: %d frames came, log %q, want %q", c.Sleep, out, log.String(), want)
		}
	}
}

func TestARelayIsBetweenTwo(t *testing.T) {
	testenv.NetAdmin(t)
	ns, err := netns.New("empty")
	if err != nil {
		t.Fatal(err)
	}
	defer ns.Close()
	if err := ns.Do(func() error { return Run(t.Context(), Config{}, func() {}, &bytes.Buffer{}) }); err == nil || !strings.Contains(err.Error(), "0 interfaces") {
		t.Errorf("%v", err)
	}
}
