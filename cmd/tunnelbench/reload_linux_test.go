package main

import (
	"encoding/binary"
	"flag"
	"fmt"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// The load of TestReloadLosesNothing. docs/results.md has a run with more of both.
var (
	reloads    = flag.Int("reloads", 5, "how often the file is read again, at least")
	reloadRate = flag.Int("reload-rate", 2000, "packets a second while it is")
)

// leftFile returns a file of the left end. Its peers are the right end and others, of which there are some.
func (e *wgEnds) leftFile(others int) string {
	text := fmt.Sprintf("[Interface]\nPrivateKey = %s\nListenPort = 51820\n[Peer]\nPublicKey = %v\nAllowedIPs = 198.18.0.2/32\nEndpoint = 192.0.2.2:51821\n", e.keys[0].Base64(), e.keys[1].Public())
	for i := range others {
		text += fmt.Sprintf("[Peer]\nPublicKey = %v\nAllowedIPs = 198.18.1.%d/32\n", wireguard.PrivateKey{8, 9, byte(i)}.Public(), i)
	}
	return text
}

// reload writes the left end's file and has the end read it again.
func (e *wgEnds) reload(t *testing.T, text string) (status int, said string) {
	t.Helper()
	if err := os.WriteFile(e.files[0], []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	status = run(t.Context(), []string{"tunnel", "reload", "--dev", e.names[0]}, cli.Streams{Out: &out, Err: &out})
	return status, out.String()
}

// TestReload follows docs/tunnel.md: the file of a tunnel is changed and read again while the tunnel runs.
func TestReload(t *testing.T) {
	testenv.NetAdmin(t)
	e := startWGEnds(t)
	if status, said := e.reload(t, e.leftFile(0)); status != cli.ExitOK || said != "" || !e.crosses(t, 30*time.Second) {
		t.Fatalf("status %d, said %q, or nothing arrives at the peer that has joined", status, said)
	}
	e.outputs[0].await(t, `msg="the file is read again" socket=/var/run/wireguard/`+e.names[0]+".sock\n")
	for _, c := range []struct{ from, to, want string }{
		{"AllowedIPs = 198.18.0.2/32", "AllowedIPs = 198.18.0.2/33", `:6: AllowedIPs: "198.18.0.2/33": want ADDRESS/LENGTH`},
		{"ListenPort = 51820", "ListenPort = 51829", ":3: ListenPort: [::]:51820 cannot become [::]:51829 while the tunnel runs: start it again"},
	} {
		status, said := e.reload(t, strings.Replace(e.leftFile(0), c.from, c.to, 1))
		if want := e.files[0] + c.want; status != cli.ExitUsage || !strings.Contains(said, want) || strings.Count(said, "\n") != 1 {
			t.Errorf("status %d, said %q, want %q", status, said, want)
		}
		e.outputs[0].await(t, c.want[:12])
		if !e.crosses(t, 30*time.Second) {
			t.Error("nothing arrives after a bad file")
		}
	}
	if err := os.WriteFile(e.files[0], []byte("[Interface]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	e.outputs[0].await(t, e.files[0]+":1: [Peer]: is missing")
	e.outputs[1].await(t, `msg="the file is read again" signal=SIGHUP`+"\n")
	if !e.crosses(t, 30*time.Second) {
		t.Error("nothing arrives after SIGHUP")
	}
	for _, args := range [][]string{{"--dev", "tbnone"}, {"--control-socket", e.files[0]}} {
		if status := run(t.Context(), append([]string{"tunnel", "reload"}, args...), cli.Streams{Out: &strings.Builder{}, Err: &strings.Builder{}}); status != cli.ExitMachine {
			t.Errorf("%s: status %d, want %d", args, status, cli.ExitMachine)
		}
	}
	if status := run(t.Context(), []string{"tunnel", "reload"}, cli.Streams{Out: &strings.Builder{}, Err: &strings.Builder{}}); status != cli.ExitUsage {
		t.Errorf("no tunnel is named: status %d", status)
	}
}

// A peer that stays loses no packet while others come and go.
func TestReloadLosesNothing(t *testing.T) {
	testenv.NetAdmin(t)
	e := startWGEnds(t)
	if status, said := e.reload(t, e.leftFile(0)); status != cli.ExitOK || !e.crosses(t, 30*time.Second) {
		t.Fatalf("status %d, said %q, or nothing arrives", status, said)
	}
	if err := e.sockets[1].(*net.UDPConn).SetReadBuffer(1 << 23); err != nil {
		t.Fatal(err)
	}
	const least = 1000 // packets
	var sent atomic.Int64
	stop, failed, arrived := make(chan struct{}), make(chan error, 1), make(chan int)
	go func() { failed <- pace(e.sockets[0], e.sockets[1].LocalAddr(), *reloadRate, &sent, stop) }()
	go func() { arrived <- count(e.sockets[1]) }()
	done := 0
	for ; (done < *reloads || sent.Load() < least) && len(failed) == 0 && !t.Failed(); done++ {
		if status, said := e.reload(t, e.leftFile(1+done%3*40)); status != cli.ExitOK {
			t.Errorf("reload %d: status %d, said %q", done, status, said)
		}
	}
	close(stop)
	if err := <-failed; err != nil {
		t.Fatal(err)
	}
	if want, got := int(sent.Load()), <-arrived; got != want {
		t.Errorf("%d of %d packets were lost in %d reloads", want-got, want, done)
	} else {
		t.Logf("%d packets crossed during %d reloads", got, done)
	}
}

// pace sends numbered packets at a rate until stop is closed, and empty ones at the end. It adds those to sent that have
// a number.
func pace(from net.PacketConn, to net.Addr, rate int, sent *atomic.Int64, stop <-chan struct{}) error {
	const tick, burst = time.Millisecond, 64 // a late sender must not fill the queue of the interface, which is 500 packets
	clock := time.NewTicker(tick)
	defer clock.Stop()
	begin := time.Now()
	for {
		select {
		case <-stop:
			for range 10 {
				_, _ = from.WriteTo(nil, to)
			}
			return nil
		case <-clock.C:
		}
		due := int64(time.Since(begin).Seconds() * float64(rate))
		for last := min(due, sent.Load()+burst); sent.Load() < last; sent.Add(1) {
			if _, err := from.WriteTo(binary.BigEndian.AppendUint64(nil, uint64(sent.Load())), to); err != nil {
				return err
			}
		}
	}
}

// count returns how many different packets of pace arrive before the end.
func count(at net.PacketConn) int {
	seen, into := map[uint64]bool{}, make([]byte, 64)
	at.SetReadDeadline(time.Time{})
	for {
		switch n, err := readFrom(at, into); {
		case err != nil || n == 0:
			return len(seen)
		case n == 8:
			seen[binary.BigEndian.Uint64(into)] = true
		}
	}
}
