package streams

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/labtest"
	"github.com/tunnelbench/tunnelbench/internal/reexec"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
	tcp "github.com/tunnelbench/tunnelbench/loadgen/streams"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/dut/stream"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// relayWord makes the test's binary one end of a device that carries streams.
const relayWord = "__test-relay"

func init() { reexec.Register(relayWord, func([]string) error { return relayEnd() }) }

// relayEnd accepts connections and connects each to the other end, or to the target.
func relayEnd() error {
	const wanPort = "4000"
	from, to := os.Getenv("TB_LISTEN"), net.JoinHostPort(os.Getenv("TB_PEER"), wanPort)
	if os.Getenv("TB_SIDE") == netns.Right {
		from, to = net.JoinHostPort(os.Getenv("TB_LOCAL"), wanPort), os.Getenv("TB_TARGET")
	}
	l, err := net.Listen("tcp", from)
	if err != nil {
		return err
	}
	for {
		near, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer near.Close()
			far, err := net.Dial("tcp", to)
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				return
			}
			defer far.Close()
			go func() {
				_, _ = io.Copy(far, near)
				_ = far.(*net.TCPConn).CloseWrite()
			}()
			_, _ = io.Copy(near, far)
		}()
	}
}

// relayScript is a device that relays. first comes before the relay.
func relayScript(t *testing.T, first string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return labtest.Script(t, "# tunnelbench: carries=streams seals=nothing\n"+first+"\nexec "+self+" "+relayWord+"\n")
}

// dialFrom connects from a node.
func dialFrom(h *Hosts, node, to string) (c net.Conn, err error) {
	err = h.setup.Net().NS(node).Do(func() (err error) {
		c, err = net.DialTimeout("tcp", to, 2*time.Second)
		return err
	})
	return c, err
}

// Every kind of measurement passes a device that carries streams, also where its other end is late, and no value
// is told of one connection that is not the whole path's. Nothing passes but through the device.
func TestDeviceOfStreams(t *testing.T) {
	testenv.NetAdmin(t)
	l := labtest.Open(t, lab.Settings{Direction: rfc2544.Both})
	h := openHosts(t, l, relayScript(t, `[ "$TB_SIDE" = left ] || sleep 1`))
	for _, kind := range tcp.Kinds() {
		s, err := h.Measure(context.Background(), shortPlan(h, kind))
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		if kind != tcp.Bulk {
			if s.Transactions == 0 {
				t.Errorf("%s: %+v", kind, s)
			}
			continue
		}
		find(t, s.Values, "stream_goodput_forward")
		find(t, s.Values, "stream_goodput_reverse")
		if slices.ContainsFunc(s.Values, func(v rfc2544.Value) bool {
			return strings.Contains(v.Name, "rtt") || strings.Contains(v.Name, "retransmits")
		}) {
			t.Errorf("values of the first hop alone: %+v", s.Values)
		}
	}
	carriesWhole(t, h)
	target, listen := stream.Target(false).String(), stream.Listen(false).String()
	if c, err := dialFrom(h, netns.Client, target); err == nil {
		t.Errorf("there is a way past the device, to %v", c.RemoteAddr())
	}
	h.setup.Session().Kill()
	if c, err := dialFrom(h, netns.Client, listen); err == nil {
		t.Errorf("the device is dead, and %v accepts", c.RemoteAddr())
	}
	if _, err := h.Measure(context.Background(), shortPlan(h, tcp.RR)); err == nil {
		t.Error("the device is dead, and transactions pass")
	}
}

// carriesWhole sends octets through the device and has them come back, both whole.
func carriesWhole(t *testing.T, h *Hosts) {
	t.Helper()
	var server net.Listener
	err := h.setup.Net().NS(netns.Server).Do(func() (err error) {
		server, err = net.Listen("tcp", stream.Target(false).String())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	go func() {
		c, err := server.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		all, _ := io.ReadAll(c)
		_, _ = c.Write(all)
	}()
	c, err := dialFrom(h, netns.Client, stream.Listen(false).String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	const seed = 21
	sent := make([]byte, 1<<20)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(sent)
	if _, err := c.Write(sent); err != nil {
		t.Fatal(err)
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	back, err := io.ReadAll(c)
	if err != nil || !bytes.Equal(back, sent) {
		t.Errorf("%d octets came back of %d, %x instead of %x, %v", len(back), len(sent), sha256.Sum256(back), sha256.Sum256(sent), err)
	}
}

// A device that carries streams and does not come up says what it did not do.
func TestDeviceOfStreamsThatIsNotThere(t *testing.T) {
	testenv.NetAdmin(t)
	l := labtest.Open(t, lab.Settings{})
	for spec, want := range map[string]string{
		labtest.Script(t, "# tunnelbench: carries=streams up-timeout=1s\nexec sleep 1000\n"):          "did not listen on 198.18.0.1:5001 within 1s",
		relayScript(t, `[ "$TB_SIDE" = left ] || { sleep 0.3; echo no such program >&2; exit 127; }`): "no such program",
	} {
		h, err := Open(context.Background(), l.Lab, labtest.Devices(t, spec)[0], l.Settings)
		if err == nil {
			t.Errorf("it is up: %v", h.Close())
			continue
		}
		if unsupported := errors.Is(err, errors.ErrUnsupported); !strings.Contains(err.Error(), want) || unsupported != (want == "no such program") || !lab.DeviceFailed(err) {
			t.Errorf("%v, unsupported %v, want %q", err, unsupported, want)
		}
	}
}
