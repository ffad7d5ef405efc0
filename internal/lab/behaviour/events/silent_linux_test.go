package events

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/labtest"
	"github.com/tunnelbench/tunnelbench/internal/reexec"
	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/behaviour"
)

func TestMain(m *testing.M) { labtest.Main(m) }

var silence = flag.Duration("silence", 700*time.Millisecond, "of a tunnel's end that has started again")

const silentWord = "__silent"

func init() { reexec.Register(silentWord, func(args []string) error { return silentTunnel(args[0]) }) }

// silentTunnel is one end of a small tunnel. If it has run before, it passes nothing for a time.
func silentTunnel(length string) error {
	wait, err := time.ParseDuration(length)
	if err != nil {
		return err
	}
	mtu, err := strconv.Atoi(os.Getenv("TB_MTU"))
	if err != nil {
		return err
	}
	tun, err := sys.OpenTUN(os.Getenv("TB_DEV"), mtu, sys.TUNPlain)
	if err != nil {
		return err
	}
	const port = 7070
	conn, err := net.DialUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(os.Getenv("TB_LOCAL")), port)),
		net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(os.Getenv("TB_PEER")), port)))
	if err != nil {
		return err
	}
	mark, err := os.OpenFile(filepath.Join(os.Getenv("TB_DIR"), "ran-"+os.Getenv("TB_SIDE")), os.O_CREATE|os.O_EXCL, 0o600)
	passes := time.Now()
	switch {
	case errors.Is(err, fs.ErrExist):
		passes = passes.Add(wait)
	case err != nil:
		return err
	default:
		mark.Close()
	}
	file := tun.File()
	go silentPass(passes, file.Read, conn.Write)
	return silentPass(passes, conn.Read, file.Write)
}

// silentPass passes packets on from a moment. What came before is gone.
func silentPass(from time.Time, read, write func([]byte) (int, error)) error {
	buffer := make([]byte, 2048)
	for {
		n, err := read(buffer)
		if errors.Is(err, fs.ErrClosed) {
			return err
		}
		if err == nil && time.Now().After(from) {
			_, _ = write(buffer[:n])
		}
	}
}

// silentDevice returns the small tunnel as a device.
func silentDevice(t *testing.T) dut.Device {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "silent")
	if err := os.WriteFile(path, fmt.Appendf(nil, "#!/bin/sh\nexec %s %s %v\n", self, silentWord, *silence), 0o755); err != nil {
		t.Fatal(err)
	}
	d, err := dut.Parse("exec:" + path)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// openBench opens the lab for a device, with short times.
func openBench(t *testing.T, d dut.Device) *Bench {
	t.Helper()
	l := labtest.Open(t, lab.Settings{})
	return &Bench{Lab: l.Lab, Device: d, Settings: l.Settings, Times: Times{
		Idle: []time.Duration{50 * time.Millisecond}, Down: []time.Duration{200 * time.Millisecond}, Limit: 20 * time.Second,
	}}
}

// An end that passes nothing for a time after its restart is named so. How long a machine that runs tests takes besides
// is not judged.
func TestRestartOfASilentTunnel(t *testing.T) {
	testenv.NetAdmin(t)
	b := openBench(t, silentDevice(t))
	o, r, err := b.restart(t.Context(), netns.Left)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range directions(r) {
		s := d.series.Longest(o.began)
		t.Logf("%s: silent for %v, back %v after the start, resolution %v", d.name, s.Length(), s.After(o.ended), s.Resolution)
		if !s.Over || s.Length() < *silence/2 || s.After(o.ended) > *silence+10*time.Second {
			t.Errorf("%s: %+v of a tunnel that was stopped at %v and up at %v", d.name, s, o.began, o.ended)
		}
	}
}

// A tunnel of the kernel has no end to start again, and is back when its link is.
func TestFlapOfAKernelTunnel(t *testing.T) {
	testenv.NetAdmin(t)
	b := openBench(t, labtest.Devices(t, "vxlan")[0])
	o, r, err := b.flap(t.Context(), b.Times.Down[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range directions(r) {
		s := d.series.Longest(o.began)
		sent := s.Resolution < b.Times.Down[0]/2 // while the link was down
		if !s.Over || s.Length() < b.Times.Down[0]/2 || sent && d.series.Lost() == 0 {
			t.Errorf("%s: %+v, %d lost", d.name, s, d.series.Lost())
		}
	}
	if _, _, err := b.restart(t.Context(), netns.Right); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("%v", err)
	}
}

// A tunnel that does not mind the port that it hears its peer from goes on behind a NAT that has forgotten its table.
func TestPortOfAKernelTunnel(t *testing.T) {
	testenv.NetAdmin(t)
	b := openBench(t, labtest.Devices(t, "vxlan")[0])
	o, r, err := b.roam(t.Context(), "port", openNAT, func(s *stand) error {
		s.nat.Forget()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var f behaviour.Finding
	if o.tell(&f, r); f.Fact("port") != "back" {
		t.Errorf("%+v", f)
	}
}

// An end with Ethernet that was started again is reached by its new MAC address.
func TestRestartWithEthernet(t *testing.T) {
	testenv.NetAdmin(t)
	d, err := dut.Parse("exec:../../../../docs/examples/vxlan.sh")
	if err != nil {
		t.Fatal(err)
	}
	b := openBench(t, d)
	o, r, err := b.restart(t.Context(), netns.Right)
	if err != nil {
		t.Fatal(err)
	}
	var f behaviour.Finding
	if o.tell(&f, r); f.Fact(netns.Right) != "back" {
		t.Errorf("%+v", f)
	}
}
