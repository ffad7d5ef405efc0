package streams

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// freePort returns an address with a port on which no process listens.
func freePort(t *testing.T) netip.AddrPort {
	t.Helper()
	l, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).AddrPort()
}

// serve starts a server on the loopback interface. stop ends the server and returns its result.
func serve(t *testing.T, p *Plan) (stop func() (Result, error)) {
	t.Helper()
	p.Server = freePort(t)
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	ready, done := make(chan struct{}), make(chan struct{})
	var r Result
	var err error
	go func() {
		defer close(done)
		r, err = Serve(ctx, *p, func() { close(ready) })
	}()
	select {
	case <-ready:
	case <-done:
		t.Fatal(err)
	}
	return func() (Result, error) {
		cancel()
		<-done
		return r, err
	}
}

func TestBulkBothWays(t *testing.T) {
	for _, direction := range []string{rfc2544.Forward, rfc2544.Reverse, rfc2544.Both} {
		t.Run(direction, func(t *testing.T) {
			p := streamPlan(Bulk)
			p.Direction, p.Connections = direction, 2
			var window Window
			r := bulkOfAll(t, p, func(w Window) { window = w })
			if window.End-window.Start != uint64(p.Duration) || r.CongestionControl == "" {
				t.Errorf("window %+v, congestion control %q", window, r.CongestionControl)
			}
			if n := len(r.Connections); n != 4*len(p.directions()) {
				t.Errorf("%d ends of connections", n)
			}
			for _, d := range p.directions() {
				if sum, slowest, _ := r.Goodput(d); sum <= slowest || slowest <= 0 {
					t.Errorf("%s: %v bit/s, the slowest %v", d, sum, slowest)
				}
			}
			if least, smoothed := r.RTT(); least <= 0 || smoothed < least || r.MSS() <= 0 {
				t.Errorf("rtt %v, %v, mss %d", least, smoothed, r.MSS())
			}
		})
	}
}

// bulkOfAll measures until every connection has carried something: on a busy machine one may get no
// time in a short window.
func bulkOfAll(t *testing.T, p Plan, onWindow func(Window)) (r Result) {
	t.Helper()
	const tries = 10
	for range tries {
		stop := serve(t, &p)
		r, err := Run(context.Background(), p, onWindow)
		served, failed := stop()
		if err != nil || failed != nil {
			t.Fatalf("%v, server: %v", err, failed)
		}
		r.Add(served)
		if !slices.ContainsFunc(p.directions(), func(d string) bool { _, slowest, _ := r.Goodput(d); return slowest <= 0 }) {
			return r
		}
	}
	t.Fatalf("a connection carried nothing in any of %d windows", tries)
	return r
}

func TestTransactions(t *testing.T) {
	for _, kind := range []string{RR, CRR} {
		p := streamPlan(kind)
		p.Connections, p.Request, p.Response = 2, 100, 3000
		stop := serve(t, &p)
		r, err := Run(context.Background(), p, func(Window) {})
		if _, served := stop(); err != nil || served != nil {
			t.Fatalf("%s: %v, server %v", kind, err, served)
		}
		if r.Transactions < 10 || r.Failures != 0 || r.Latency == nil || r.Latency.N != r.Transactions || r.Elapsed < p.Duration*9/10 {
			t.Errorf("%s: %+v, latency %+v", kind, r, r.Latency)
		}
	}
}

// If the server dies, bulk and rr return an error immediately and not at the end of the measurement.
// crr counts failures instead.
func TestServerThatDies(t *testing.T) {
	for kind, want := range map[string]string{Bulk: "before its time", RR: "not answered", CRR: ""} {
		p := streamPlan(kind)
		if p.Duration = time.Minute; want == "" {
			p.Duration = 2 * time.Second
		}
		stop := serve(t, &p)
		begun := time.Now()
		r, err := Run(context.Background(), p, func(Window) { time.AfterFunc(100*time.Millisecond, func() { stop() }) })
		switch {
		case want == "" && (err != nil || r.Failures == 0):
			t.Errorf("%s: %+v, %v, want failures", kind, r, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n")):
			t.Errorf("%s: %v, want one line with %q", kind, err, want)
		}
		if took := time.Since(begun); took > 30*time.Second {
			t.Errorf("%s: took %v", kind, took)
		}
	}
}

// Run returns an error if there is no server or if ctx ends.
func TestStreamsEnd(t *testing.T) {
	for _, kind := range Kinds() {
		p := streamPlan(kind)
		p.Server = freePort(t)
		if _, err := Run(context.Background(), p, func(Window) {}); err == nil || !strings.Contains(err.Error(), "connect") {
			t.Errorf("%s without a server: %v", kind, err)
		}
		p.Duration = time.Minute
		serve(t, &p)
		ctx, cancel := context.WithCancel(context.Background())
		begun := time.Now()
		_, err := Run(ctx, p, func(Window) { time.AfterFunc(50*time.Millisecond, cancel) })
		if err == nil || time.Since(begun) > 30*time.Second {
			t.Errorf("%s interrupted: %v after %v", kind, err, time.Since(begun))
		}
	}
}

// A transaction on an open connection does not allocate memory.
func TestRequestsDoNotAllocate(t *testing.T) {
	p := streamPlan(RR)
	stop := serve(t, &p)
	defer stop()
	conn, err := p.connect(context.Background(), p.Connect)
	if err != nil {
		t.Fatal(err)
	}
	defer abort(conn)
	tr := &transactor{plan: p, conn: conn, request: make([]byte, 1), response: make([]byte, 1), latency: loadgen.NewHistogram()}
	if n := testing.AllocsPerRun(100, func() { err = tr.ask(conn) }); n >= 1 || err != nil {
		t.Errorf("%v allocations per request, %v", n, err)
	}
}
