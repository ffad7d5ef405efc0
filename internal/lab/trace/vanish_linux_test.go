package trace

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/waterfall"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// What was measured until an interface vanished, or the device died, is returned with the error.
func TestVanishedInTheMiddle(t *testing.T) {
	testenv.NetAdmin(t)
	removed := func(name string) func(*lab.Setup) error {
		return func(s *lab.Setup) error {
			return s.Net().NS(netns.Left).Netlink(func(h *netlink.Handle) error {
				link, err := h.LinkByName(name)
				if err != nil {
					return err
				}
				return h.LinkDel(link)
			})
		}
	}
	for name, c := range map[string]struct {
		device string
		vanish func(*lab.Setup) error
		is     error
	}{
		"the device's interface": {"vxlan", removed("tb-left"), lab.ErrDied},
		"a link":                 {"plain", removed("wan"), errors.ErrUnsupported},
		"a TUN device":           {"naive", removed("tb-left"), lab.ErrDied},
		"the process": {"naive", func(s *lab.Setup) error {
			pids, err := s.Session().PIDs(netns.Left)
			for _, pid := range pids {
				err = errors.Join(err, syscall.Kill(pid, syscall.SIGKILL))
			}
			return err
		}, lab.ErrDied},
	} {
		t.Run(name, func(t *testing.T) { vanishes(t, c.device, c.vanish, c.is) })
	}
}

func vanishes(t *testing.T, device string, vanish func(*lab.Setup) error, is error) {
	ctx := context.Background()
	l, err := lab.Open(ctx, lab.Config{Wait: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() }) // its error says again that the device is gone
	d, err := dut.Parse(device)
	if err != nil {
		t.Fatal(err)
	}
	p := Plan{
		Device: d, Settings: lab.Settings{LossTimeout: time.Second, MaxFrames: 1 << 20}.Resolved(),
		Trial: rfc2544.Trial{Size: 128, Load: 5000, Duration: 2 * time.Second},
	}
	s, err := l.SetupWith(ctx, d, p.Settings, p.Size, func(_ *lab.Setup, cfg *loadgen.EngineConfig) error {
		cfg.Chained = true
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	l.Defer(s.Close)
	done := make(chan error, 1)
	go func() {
		waitForFrames(s, 1000) // more than a warm-up has
		done <- vanish(s)
	}()
	out, err := p.trace(ctx, s, &Traced{Trace: waterfall.Trace{Every: 1}})
	if fault := <-done; fault != nil {
		t.Fatal(fault)
	}
	if !errors.Is(err, is) || strings.Contains(err.Error(), "\n") || out == nil {
		t.Fatalf("error %v, trace %v", err, out)
	}
	if n := out.Streams[0].Delivered; n < 500 || n >= 10_000 || len(out.Warnings) == 0 {
		t.Errorf("%d delivered, warnings %v", n, out.Warnings)
	}
}

// waitForFrames waits until so many have come into the left node.
func waitForFrames(s *lab.Setup, n uint64) {
	for limit := time.Now().Add(30 * time.Second); time.Now().Before(limit); time.Sleep(time.Millisecond) {
		var seen uint64
		_ = s.Net().NS(netns.Left).Netlink(func(h *netlink.Handle) error {
			link, err := h.LinkByName("lan")
			if err == nil {
				seen = link.Attrs().Statistics.RxPackets
			}
			return err
		})
		if seen >= n {
			return
		}
	}
}
