package trace

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/labtest"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/waterfall"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

func TestMain(m *testing.M) { labtest.Main(m) }

// light is a load of which a tunnel's socket holds a quarter of a second, while another program has its core.
const light = 1000

// traced traces a device for half a second.
func traced(t *testing.T, device string, load rfc2544.Rate, set lab.Settings) *Traced {
	t.Helper()
	return tracedWithout(t, nil, device, load, set)
}

// tracedWithout does so as on a kernel without some tracepoints.
func tracedWithout(t *testing.T, tracepoints []string, device string, load rfc2544.Rate, set lab.Settings) *Traced {
	t.Helper()
	testenv.NetAdmin(t)
	l, err := lab.Open(context.Background(), lab.Config{Wait: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	d, err := dut.Parse(device)
	if err != nil {
		t.Fatal(err)
	}
	set.LossTimeout, set.MaxFrames = time.Second, 1<<20
	out, err := Run(context.Background(), l, Plan{
		Device: d, Settings: set, Capture: true, without: tracepoints,
		Trial: rfc2544.Trial{Size: 128, Load: load, Duration: 500 * time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func ways(s waterfall.Stream) (points []string) {
	for _, p := range s.Points {
		points = append(points, p.String())
	}
	return points
}

// Each frame is seen at each point of devices of all kinds, in both directions, and the hops are the whole time.
func TestEveryFrameAtEveryPoint(t *testing.T) {
	for device, want := range map[string]string{
		"wire":          "tester sends, tester receives",
		"plain":         "tester sends, left lan in, left wan out, right wan in, right lan out, tester receives",
		"naive":         "tester sends, left lan in, left TUN out, left reads TUN, left wan out, right wan in, right reads wan, right TUN in, right lan out, tester receives",
		"reference-xdp": "tester sends, left wan out, right wan in, right reads wan, tester receives",
		"wireguard-go":  "tester sends, left lan in, left TUN out, left reads TUN, left wan out, right wan in, right reads wan, right TUN in, right lan out, tester receives",
	} {
		t.Run(device, func(t *testing.T) {
			out := traced(t, device, light, lab.Settings{Direction: rfc2544.Both})
			forward, reverse := out.Streams[0], out.Streams[1]
			if got := strings.NewReplacer("tb-left", "TUN", "tb-right", "TUN").Replace(strings.Join(ways(forward), ", ")); got != want {
				t.Errorf("way\n%s, want\n%s", got, want)
			}
			if len(forward.Points) != len(reverse.Points) {
				t.Errorf("reverse: %v", ways(reverse))
			}
			if len(out.Missing) != 0 || !out.KnowsDrops() {
				t.Errorf("this kernel misses %v", out.Missing)
			}
			complete := 0.99
			if strings.HasPrefix(device, "wireguard") {
				complete = 0.9 // what is sealed is inferred
			}
			for _, s := range out.Streams {
				if s.Offered < 100 || uint64(s.Followed) != s.Offered || s.Received != s.Offered || s.Delivered != s.Followed || float64(s.Complete) < complete*float64(s.Followed) {
					t.Errorf("%s: %d of %d frames received, %d followed, %d arrived, %d complete", s.Direction, s.Received, s.Offered, s.Followed, s.Delivered, s.Complete)
				}
				sum := 0.0
				for _, h := range s.Hops {
					sum += h.Time.Mean
					if inferred := strings.HasPrefix(device, "wireguard") && (h.From.Interface == "wan" || h.To.Interface == "wan"); h.Inferred != inferred {
						t.Errorf("%v › %v: inferred %v", h.From, h.To, h.Inferred)
					}
				}
				if s.Complete == s.Delivered && math.Abs(sum/s.OneWay.Mean-1) > 1e-6 {
					t.Errorf("%s: the hops' means are %.0f ns in all, from end to end it is %.0f ns", s.Direction, sum, s.OneWay.Mean)
				}
			}
			pcap := filepath.Join(t.TempDir(), "hops.pcapng")
			err := out.Capture.WritePcapFile(pcap)
			if device == "wire" { // nothing lies between the tester's ports
				if err == nil {
					t.Error("a capture of nothing")
				}
				return
			}
			if about, stat := os.Stat(pcap); err != nil || stat != nil || about.Size() < int64(forward.Followed)*2*128 {
				t.Errorf("%v, %v, %v", err, about, stat)
			}
		})
	}
}

// What is put into a known hop is shown there: a delay, and a loss by pattern, to the frame.
func TestKnownHop(t *testing.T) {
	const delay = 2 * time.Millisecond
	out := traced(t, "vxlan", light, lab.Settings{WAN: "delay=" + delay.String() + ",drop=1/50"}).Streams[0]
	for _, h := range out.Hops {
		between := h.From.Node == "between"
		if slow := h.Time.Least >= int64(delay)/2; slow != between {
			t.Errorf("%v › %v: at least %d ns", h.From, h.To, h.Time.Least)
		}
		if lost := int(out.Offered - out.Received); between && (h.Lost != lost || lost == 0) || !between && h.Lost != 0 {
			t.Errorf("%v › %v: lost %d of %d", h.From, h.To, h.Lost, lost)
		}
		if between && (len(h.Reasons) != 1 || h.Reasons[0].Name != waterfall.Unknown) {
			t.Errorf("why: %v", h.Reasons)
		}
	}
}

// The kernel says why it dropped what does not fit into a queue.
func TestReasonOfTheKernel(t *testing.T) {
	out := traced(t, "shaped:rate=1Mbps,limit=3000", 5*light, lab.Settings{}).Streams[0]
	var reasons []string
	for _, h := range out.Hops {
		for _, r := range h.Reasons {
			reasons = append(reasons, h.From.String()+": "+r.Name)
		}
	}
	if len(reasons) == 0 || reasons[0] != "left wan out: QDISC_DROP" {
		t.Errorf("%v", reasons)
	}
}

// A kernel without tracepoints can be traced all the same: what they tell is absent, and said to be.
func TestKernelWithoutTracepoints(t *testing.T) {
	without := []string{"sched:sched_wakeup", "skb:kfree_skb", "skb:skb_copy_datagram_iovec"}
	out := tracedWithout(t, without, "naive", light, lab.Settings{})
	if diff := cmp.Diff(without, out.Missing); diff != "" {
		t.Error(diff)
	}
	for _, at := range without {
		if !strings.Contains(strings.Join(out.Warnings, "\n"), "no tracepoint "+at) {
			t.Errorf("%s: not in %q", at, out.Warnings)
		}
	}
	if len(out.Threads) != 0 || out.Streams[0].Delivered < 100 {
		t.Errorf("threads %v, %d frames delivered", out.Threads, out.Streams[0].Delivered)
	}
	for _, p := range out.Streams[0].Points {
		if p.Kind == waterfall.Read && strings.HasPrefix(p.Interface, "tb-") {
			t.Errorf("%v is known", p)
		}
	}
}
