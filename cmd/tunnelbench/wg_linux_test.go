package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// wg runs the distribution's wg, which has to succeed.
func wg(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("wg", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("wg %s: %v: %s", args, err, out)
	}
	return string(out)
}

// write writes a file that only its owner may read.
func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "wg0.conf")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// wgEnds is two sealed ends that run, the first of which does not know the second.
type wgEnds struct {
	names   [2]string
	files   [2]string
	keys    [2]wireguard.PrivateKey
	outputs [2]said
	sockets [2]net.PacketConn
}

// startWGEnds starts both, the first one with more options.
func startWGEnds(t *testing.T, options ...string) *wgEnds {
	t.Helper()
	hosts := twoHosts(t)
	e := &wgEnds{keys: [2]wireguard.PrivateKey{{8, 1}, {8, 2}}}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan int, 2)
	for i, ns := range hosts {
		e.names[i] = fmt.Sprintf("tb%d%c", os.Getpid(), 'a'+i)
		other := []wireguard.PublicKey{wireguard.PrivateKey{8, 3}.Public(), e.keys[0].Public()}[i]
		file := write(t, fmt.Sprintf("[Interface]\nPrivateKey = %s\nListenPort = 5182%d\n[Peer]\nPublicKey = %v\nAllowedIPs = 198.18.0.1/32\n", e.keys[i].Base64(), i, other))
		args := append([]string{"tunnel", "--wg", file, "--dev", e.names[i]}, options...)
		options = nil
		e.files[i] = file
		go func() {
			_ = sys.InNetNS(ns, func() error {
				ended <- run(ctx, args, cli.Streams{Out: &e.outputs[i], Err: &e.outputs[i]})
				return nil
			})
		}()
		e.outputs[i].await(t, "peers=1")
		inside(t, ns, func() error { return address(e.names[i], fmt.Sprintf("198.18.0.%d/24", i+1)) })
		e.sockets[i] = listen(t, ns, fmt.Sprintf("198.18.0.%d:7", i+1))
	}
	t.Cleanup(func() {
		stop()
		for range hosts {
			if status := <-ended; status != cli.ExitOK {
				t.Errorf("ended with status %d", status)
			}
		}
		for _, name := range e.names {
			if _, err := os.Lstat("/var/run/wireguard/" + name + ".sock"); !os.IsNotExist(err) {
				t.Errorf("a socket is left: %v", err)
			}
		}
	})
	return e
}

// crosses reports whether a packet from the first host to the second arrives.
func (e *wgEnds) crosses(t *testing.T, patience time.Duration) bool {
	t.Helper()
	if _, err := e.sockets[0].WriteTo([]byte("hello"), e.sockets[1].LocalAddr()); err != nil {
		t.Fatal(err)
	}
	e.sockets[1].SetReadDeadline(time.Now().Add(patience))
	_, err := readFrom(e.sockets[1], make([]byte, 10))
	return err == nil
}

// TestStockWG follows docs/tunnel.md: the wg of the distribution reads a sealed tunnel and changes it while it runs.
func TestStockWG(t *testing.T) {
	testenv.NetAdmin(t)
	testenv.Program(t, "wg", "wireguard-tools")
	e := startWGEnds(t)
	left, right := e.names[0], e.keys[1].Public().String()
	wg(t, "set", left, "peer", right, "allowed-ips", "198.18.0.2/32", "endpoint", "192.0.2.2:51821")
	if !e.crosses(t, 30*time.Second) {
		t.Fatal("nothing arrives at the peer that has joined")
	}
	var shown string
	eventually(func() bool { // the end counts a packet after it has sent it
		shown = wg(t, "show", left)
		return strings.Contains(shown, "33 B sent")
	})
	for _, want := range []string{"interface: " + left, "public key: " + e.keys[0].Public().String(), "listening port: 51820", "peer: " + right, "endpoint: 192.0.2.2:51821",
		"allowed ips: 198.18.0.2/32", "latest handshake: ", "transfer: 0 B received, 33 B sent"} {
		if !strings.Contains(shown, want) {
			t.Errorf("wg show prints no %q:\n%s", want, shown)
		}
	}
	if out, err := exec.Command("wg", "set", left, "listen-port", "9").CombinedOutput(); err == nil || !strings.Contains(string(out), "Operation not supported") {
		t.Errorf("wg set listen-port: %v: %s", err, out)
	}
	e.outputs[0].await(t, "listen_port: cannot be changed while the tunnel runs")

	whole := write(t, wg(t, "showconf", left))
	wg(t, "set", left, "peer", right, "remove")
	if e.crosses(t, 100*time.Millisecond) {
		t.Error("a packet arrives at the peer that was removed")
	}
	wg(t, "syncconf", left, whole)
	if peers := strings.Fields(wg(t, "show", left, "peers")); len(peers) != 2 || !e.crosses(t, 30*time.Second) {
		t.Errorf("syncconf leaves %v", peers)
	}
	alone := write(t, fmt.Sprintf("[Interface]\nPrivateKey = %s\n[Peer]\nPublicKey = %s\nAllowedIPs = 198.18.0.2/32, fd00::/64\nEndpoint = 192.0.2.2:51821\nPersistentKeepalive = 25\n", e.keys[0].Base64(), right))
	wg(t, "setconf", left, alone)
	if got, want := wg(t, "show", left, "allowed-ips"), right+"\t198.18.0.2/32 fd00::/64\n"; got != want || !e.crosses(t, 30*time.Second) {
		t.Errorf("setconf leaves %q, want %q", got, want)
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	e.outputs[1].await(t, "\nreceived initiations accepted ")
	for i := range e.outputs {
		e.outputs[i].silent(t, e.keys[0].Base64()[:8], fmt.Sprintf("%x", e.keys[0][:8]))
	}
}

// silent checks that texts are not in the output.
func (s *said) silent(t *testing.T, texts ...string) {
	t.Helper()
	s.lock.Lock()
	defer s.lock.Unlock()
	for _, text := range texts {
		if strings.Contains(s.text.String(), text) {
			t.Errorf("said %q", s.text.String())
		}
	}
}
