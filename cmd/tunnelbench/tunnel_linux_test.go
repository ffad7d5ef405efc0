package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/tunnelbench/tunnelbench/internal/cli"
	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
)

// said collects a verb's output while the verb runs.
type said struct {
	lock sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.text.Write(p)
}

func (s *said) await(t *testing.T, what string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		s.lock.Lock()
		text := s.text.String()
		s.lock.Unlock()
		if strings.Contains(text, what) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("said %q, want %q", text, what)
		}
	}
}

const endFile = `listen: 192.0.2.%[1]d:4754
dev: tun0
peers:
  - {id: 3, endpoint: "192.0.2.%[2]d:4754", prefixes: [198.18.0.%[2]d/32]}
`

// TestTunnelBetweenTwoHosts follows the steps of docs/tunnel.md.
func TestTunnelBetweenTwoHosts(t *testing.T) {
	testenv.NetAdmin(t)
	hosts := twoHosts(t)
	ctx, stop := context.WithCancel(t.Context())
	var outputs [2]said
	ended := make(chan int, 2)
	for i, ns := range hosts {
		file := filepath.Join(t.TempDir(), "end.yaml")
		if err := os.WriteFile(file, fmt.Appendf(nil, endFile, i+1, 2-i), 0o600); err != nil {
			t.Fatal(err)
		}
		go func() {
			_ = sys.InNetNS(ns, func() error {
				ended <- run(ctx, []string{"tunnel", "--config", file}, cli.Streams{Out: &outputs[i], Err: &outputs[i]})
				return nil
			})
		}()
		outputs[i].await(t, "interface=tun0 peers=1")
		inside(t, ns, func() error { return address("tun0", fmt.Sprintf("198.18.0.%d/24", i+1)) })
	}
	near, far := listen(t, hosts[0], "198.18.0.1:7"), listen(t, hosts[1], "198.18.0.2:7")
	if _, err := near.WriteTo([]byte("hello"), far.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	into := make([]byte, 10)
	far.SetReadDeadline(time.Now().Add(30 * time.Second))
	if n, err := readFrom(far, into); err != nil || string(into[:n]) != "hello" {
		t.Fatalf("%q came through, %v", into[:n], err)
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	outputs[1].await(t, "peer 3 sent 0 packets 0 bytes received 1 packets 33 bytes")
	stop()
	for range hosts {
		if status := <-ended; status != cli.ExitOK {
			t.Errorf("ended with status %d, want %d", status, cli.ExitOK)
		}
	}
	outputs[0].await(t, "peer 3 sent 1 packets 33 bytes received 0 packets 0 bytes")
}

// twoHosts returns two namespaces connected by a cable.
func twoHosts(t *testing.T) (hosts [2]*os.File) {
	t.Helper()
	for i := range hosts {
		ns, err := sys.NewNetNS()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ns.Close() })
		hosts[i] = ns
	}
	inside(t, hosts[0], func() error {
		attrs := netlink.NewLinkAttrs()
		attrs.Name = "wan"
		return netlink.LinkAdd(&netlink.Veth{LinkAttrs: attrs, PeerName: "wan", PeerNamespace: netlink.NsFd(hosts[1].Fd())})
	})
	for i, ns := range hosts {
		inside(t, ns, func() error { return address("wan", fmt.Sprintf("192.0.2.%d/24", i+1)) })
	}
	return hosts
}

func inside(t *testing.T, ns *os.File, fn func() error) {
	t.Helper()
	if err := sys.InNetNS(ns, fn); err != nil {
		t.Fatal(err)
	}
}

// address sets an interface's address and brings the interface up.
func address(name, prefix string) error {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	addr, err := netlink.ParseAddr(prefix)
	if err != nil {
		return err
	}
	if err := netlink.AddrAdd(link, addr); err != nil {
		return err
	}
	return netlink.LinkSetUp(link)
}

func listen(t *testing.T, ns *os.File, addr string) (conn net.PacketConn) {
	t.Helper()
	inside(t, ns, func() (err error) {
		conn, err = net.ListenPacket("udp", addr)
		return err
	})
	t.Cleanup(func() { conn.Close() })
	return conn
}

func readFrom(conn net.PacketConn, into []byte) (int, error) {
	n, _, err := conn.ReadFrom(into)
	return n, err
}

// A tunnel serves its metrics while it runs, and its log is JSON if asked for. An address in use is the machine's fault, one that is none
// is bad usage, and nothing is started.
func TestTunnelMetrics(t *testing.T) {
	testenv.NetAdmin(t)
	hosts := twoHosts(t)
	file := filepath.Join(t.TempDir(), "end.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, endFile, 1, 2), 0o600); err != nil {
		t.Fatal(err)
	}
	inside(t, hosts[0], func() error {
		link, err := netlink.LinkByName("lo")
		if err != nil {
			return err
		}
		return netlink.LinkSetUp(link)
	})
	ctx, stop := context.WithCancel(t.Context())
	var output said
	ended := make(chan int, 1)
	start := func(args ...string) {
		_ = sys.InNetNS(hosts[0], func() error {
			ended <- run(ctx, append([]string{"tunnel", "--config", file}, args...), cli.Streams{Out: &output, Err: &output})
			return nil
		})
	}
	go start("--metrics", "127.0.0.1:9469", "--log-format", "json")
	output.await(t, `"msg":"the tunnel is up","listen":"192.0.2.1:4754","port":"tun","interface":"tun0","peers":1`)
	inside(t, hosts[0], func() error {
		c, err := net.Dial("tcp", "127.0.0.1:9469")
		if err != nil {
			return err
		}
		defer c.Close()
		if _, err := c.Write([]byte("GET /metrics HTTP/1.0\r\n\r\n")); err != nil {
			return err
		}
		text, err := io.ReadAll(c)
		if !strings.Contains(string(text), `tunnelbench_tunnel_peer_sent_packets_total{peer="3"} 0`) {
			t.Errorf("metrics: %s", text)
		}
		return err
	})
	for address, want := range map[string]int{"127.0.0.1:9469": cli.ExitMachine, "nowhere": cli.ExitUsage} {
		go start("--metrics", address)
		if status := <-ended; status != want {
			t.Errorf("--metrics %s: status %d, want %d", address, status, want)
		}
	}
	stop()
	if status := <-ended; status != cli.ExitOK {
		t.Errorf("ended with status %d", status)
	}
	for line := range strings.Lines(output.text.String()) {
		if strings.HasPrefix(line, "{") && !json.Valid([]byte(line)) {
			t.Errorf("no JSON: %s", line)
		}
	}
}
