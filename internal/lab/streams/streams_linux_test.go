package streams

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/labtest"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
	tcp "github.com/tunnelbench/tunnelbench/loadgen/streams"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

func TestMain(m *testing.M) { labtest.Main(m) }

func openHosts(t *testing.T, l *labtest.Opened, spec string) *Hosts {
	t.Helper()
	d, err := dut.Parse(spec)
	if err != nil {
		t.Fatal(err)
	}
	h, err := Open(context.Background(), l.Lab, d, l.Settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

func shortPlan(h *Hosts, kind string) tcp.Plan {
	p := h.Plan(kind)
	p.Warmup, p.Duration = 50*time.Millisecond, 300*time.Millisecond
	return p
}

// TCP of every kind comes through every kind of device, over both IP versions,
// also where the kernel hands user space packets whose checksums were the card's to write.
func TestStreamsOverDevices(t *testing.T) {
	for _, ip6 := range []bool{false, true} {
		testenv.NetAdmin(t)
		l := labtest.Open(t, lab.Settings{})
		l.Settings.IPv6, l.Settings.Direction = ip6, "both"
		for _, spec := range []string{"plain", "vxlan", "wireguard-go", "reference", "exec:../../../docs/examples/vxlan.sh"} {
			h := openHosts(t, l, spec)
			for _, kind := range tcp.Kinds() {
				s, err := h.Measure(context.Background(), shortPlan(h, kind))
				if err != nil {
					t.Fatalf("%s, %s: %v", spec, kind, err)
				}
				if kind == tcp.Bulk {
					find(t, s.Values, "stream_goodput_reverse")
					find(t, s.Values, "stream_retransmits")
				} else if s.Transactions == 0 || s.Failures != 0 {
					t.Errorf("%s, %s: %d transactions, %d failed", spec, kind, s.Transactions, s.Failures)
				}
				if s.CongestionControl == "" {
					t.Errorf("%s, %s: no congestion control", spec, kind)
				}
			}
			if err := h.Close(); err != nil {
				t.Error(err)
			}
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestStreamsTest(t *testing.T) {
	testenv.NetAdmin(t)
	l := labtest.Open(t, lab.Settings{})
	for spec, want := range map[string]string{"plain": "", "wire": "joins the tester's ports"} {
		d, err := dut.Parse(spec)
		if err != nil {
			t.Fatal(err)
		}
		res, err := Run(context.Background(), l.Lab, d, l.Settings, Plan{Duration: 200 * time.Millisecond, Repeats: 2, Connections: 3})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(res.Unsupported, want) || (want == "") != (res.Unsupported == "") || res.Error != "" {
			t.Errorf("%s: %+v", spec, res)
		}
		if want == "" {
			for _, name := range []string{"stream_goodput", "stream_goodput_3", "request_response_p50", "connection_rate"} {
				find(t, res.Values, name)
			}
		}
		if err := result.Check(&result.Results{Results: []result.Result{res}}); err != nil {
			t.Error(err)
		}
	}
}

// The sockets of the hosts, and those of a device, have the congestion control that was asked for.
func TestCongestionControl(t *testing.T) {
	testenv.NetAdmin(t)
	l := labtest.Open(t, lab.Settings{CongestionControl: "reno"})
	h := openHosts(t, l, "plain")
	for _, kind := range tcp.Kinds() {
		s, err := h.Measure(context.Background(), shortPlan(h, kind))
		if err != nil || s.CongestionControl != "reno" {
			t.Errorf("%s: %q, %v", kind, s.CongestionControl, err)
		}
	}
	for _, node := range h.setup.Net().Topology.Nodes {
		if got, err := h.setup.Net().NS(node).Sysctl("net/ipv4/tcp_congestion_control"); got != "reno" || err != nil {
			t.Errorf("%s: %q, %v", node, got, err)
		}
	}
}

// The ceiling that the overhead leaves of a link of known rate is one.
func TestGoodputStaysBelowTheCeiling(t *testing.T) {
	testenv.NetAdmin(t)
	l := labtest.Open(t, lab.Settings{})
	l.Settings.WAN = "rate=20Mbps,queue=100"
	for spec, known := range map[string]bool{"vxlan": true, "exec:../../../docs/examples/vxlan.sh": false} {
		h := openHosts(t, l, spec)
		p := h.Plan(tcp.Bulk)
		p.Duration = time.Second
		s, err := h.Measure(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		if !known {
			if s.ceiling != 0 {
				t.Errorf("%s: a ceiling of %v for a program of unknown overhead", spec, s.ceiling)
			}
			continue
		}
		if share := find(t, s.Values, "stream_goodput_share").Value; share < 0.5 || share > 1.02 {
			t.Errorf("%s: %v of the ceiling", spec, share)
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	}
}

// marked are the processes with the mark in their environment, by command line.
func marked(mark string) map[int]string {
	found := map[int]string{}
	paths, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range paths {
		dir := filepath.Dir(path)
		env, err := os.ReadFile(path)
		pid, _ := strconv.Atoi(filepath.Base(dir))
		if err != nil || !bytes.Contains(env, []byte(mark)) {
			continue
		}
		line, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		found[pid] = string(bytes.ReplaceAll(line, []byte{0}, []byte{' '}))
	}
	return found
}

// Whichever end is killed, there is an error in time, and nothing stays behind.
func TestKilledEnds(t *testing.T) {
	testenv.NetAdmin(t)
	l := labtest.Open(t, lab.Settings{})
	h := openHosts(t, l, "plain")
	const key = "TB_TEST_STREAM"
	mark := strconv.Itoa(os.Getpid()) + "-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	t.Setenv(key, mark)
	for _, end := range []string{"client", "server"} {
		p := h.Plan(tcp.Bulk)
		p.Duration = time.Minute
		done := make(chan error, 1)
		start := time.Now()
		go func() {
			_, err := h.Measure(context.Background(), p)
			done <- err
		}()
		killed := false
		for !killed && time.Since(start) < 10*time.Second {
			all := marked(key + "=" + mark)
			for pid, line := range all {
				if len(all) == 4 && strings.Contains(line, streamWord+" "+end) && !strings.Contains(line, "__ns-init") { // both ends, each with its helper
					killed = syscall.Kill(pid, syscall.SIGKILL) == nil
				}
			}
			time.Sleep(10 * time.Millisecond)
		}
		err := <-done
		named := err != nil && slices.ContainsFunc([]string{"ended", "reset by peer", "connection refused"}, func(s string) bool { return strings.Contains(err.Error(), s) }) // the last two: while the client connects
		if !killed || !named || strings.Contains(err.Error(), "\n") || time.Since(start) > 30*time.Second {
			t.Errorf("%s killed (%t): %v after %v", end, killed, err, time.Since(start))
		}
		if left := marked(key + "=" + mark); len(left) != 0 {
			t.Errorf("%s killed: left behind: %v", end, left)
		}
	}
	if _, err := h.Measure(context.Background(), shortPlan(h, tcp.Bulk)); err != nil {
		t.Errorf("the next measurement: %v", err)
	}
}

// An interrupt ends a measurement, and so does the death of the device.
func TestStreamsThatEndEarly(t *testing.T) {
	testenv.NetAdmin(t)
	l := labtest.Open(t, lab.Settings{})
	h := openHosts(t, l, "plain")
	p := h.Plan(tcp.RR)
	p.Duration = time.Minute
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if _, err := h.Measure(ctx, p); err == nil {
		t.Error("an interrupted measurement succeeded")
	}
	dies := openHosts(t, l, labtest.Script(t, `trap 'exit 0' TERM
ip link add "$TB_DEV" type vxlan id 9 local "$TB_LOCAL" remote "$TB_PEER" dstport 4789 dev "$TB_WAN" && ip link set "$TB_DEV" up
sleep 2 & wait $!
echo out of luck >&2
exit 9`))
	p = dies.Plan(tcp.CRR)
	p.Duration = 4 * time.Second
	_, err := dies.Measure(context.Background(), p)
	if !errors.Is(err, lab.ErrDied) || !strings.Contains(err.Error(), "out of luck") {
		t.Errorf("%v, want %v", err, lab.ErrDied)
	}
}
