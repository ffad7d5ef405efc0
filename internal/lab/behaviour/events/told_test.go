package events

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/internal/lab/behaviour/probe"
	"github.com/tunnelbench/tunnelbench/internal/lab/behaviour/series"
	"github.com/tunnelbench/tunnelbench/reports/behaviour"
)

const ms = time.Millisecond

// stream returns packets that are sent each millisecond and take half of one, less those that were sent from one moment
// until before another.
func stream(n int, from, to time.Duration) (s series.Series) {
	for i := range n {
		sent := time.Duration(i) * ms
		s = append(s, series.Packet{Sent: sent, Arrived: sent + ms/2, Came: sent < from || sent >= to})
	}
	return s
}

// values returns the values of a finding by name.
func values(f behaviour.Finding) map[string]float64 {
	all := map[string]float64{}
	for _, v := range f.Values {
		all[v.Name] = v.Value
	}
	return all
}

// Three seconds of silence are named as three seconds, and a way that is not back says so.
func TestTell(t *testing.T) {
	t.Parallel()
	o := outage{name: "left", began: 500 * ms, ended: 600 * ms, limit: 30 * time.Second}
	var f behaviour.Finding
	o.tell(&f, probe.Result{Forward: stream(5000, 500*ms, 3600*ms), Reverse: stream(5000, 510*ms, 3590*ms)})
	want := map[string]float64{
		"left-forward-back": float64(3*time.Second + ms/2), "left-forward-silent": float64(3101 * ms), "left-forward-lost": 3100,
		"left-reverse-back": float64(2990*ms + ms/2), "left-reverse-silent": float64(3081 * ms), "left-reverse-lost": 3080,
		"left-resolution": float64(ms),
	}
	if diff := cmp.Diff(want, values(f)); diff != "" || f.Fact("left") != "back" {
		t.Errorf("%q (-want +got):\n%s", f.Fact("left"), diff)
	}
	f = behaviour.Finding{}
	o.tell(&f, probe.Result{Forward: stream(5000, 500*ms, time.Hour), Reverse: stream(5000, 510*ms, 3590*ms)})
	if _, there := f.Value("left-forward-back"); there || f.Fact("left") != "not back within 30s" {
		t.Errorf("%+v", f)
	}
}

// Packets that were kept during an outage and come in a burst when it is over are not lost, and are told.
func TestTellHeld(t *testing.T) {
	t.Parallel()
	s := stream(3000, 500*ms, 1000*ms)
	for i := 900; i < 1000; i++ {
		s[i].Arrived, s[i].Came = 1000*ms, true
	}
	var f behaviour.Finding
	outage{name: "1s", began: 500 * ms, ended: 990 * ms, limit: time.Second}.tell(&f, probe.Result{Forward: s, Reverse: stream(3000, 0, 0)})
	got := values(f)
	if got["1s-forward-lost"] != 400 || got["1s-forward-held"] != 90 || got["1s-forward-held-for"] != float64(100*ms) || got["1s-forward-back"] != float64(10*ms) {
		t.Errorf("%v", got)
	}
	if _, there := got["1s-reverse-held"]; there || got["1s-reverse-lost"] != 0 || got["1s-reverse-silent"] != float64(ms) {
		t.Errorf("%v", got)
	}
}

// A pause of the sender long after the event is no outage.
func TestTellNothing(t *testing.T) {
	t.Parallel()
	s := stream(3000, 0, 0)
	for i := 2000; i < len(s); i++ {
		s[i].Sent, s[i].Arrived = s[i].Sent+200*ms, s[i].Arrived+203*ms
	}
	var f behaviour.Finding
	outage{name: "address", began: 500 * ms, ended: 510 * ms, limit: time.Second}.tell(&f, probe.Result{Forward: s, Reverse: stream(3000, 0, 0)})
	got := values(f)
	if got["address-forward-back"] != 0 || got["address-forward-silent"] != float64(204*ms) || got["address-resolution"] != float64(201*ms) || got["address-reverse-back"] != 0 || f.Fact("address") != "back" {
		t.Errorf("%v, %q", got, f.Fact("address"))
	}
}

func TestAwake(t *testing.T) {
	t.Parallel()
	var f behaviour.Finding
	awake(&f, "after-1m", probe.Result{Forward: stream(100, 0, 20*ms), Reverse: stream(100, 0, 0)}, time.Second)
	got := values(f)
	if got["after-1m-forward-first"] != float64(20*ms+ms/2) || got["after-1m-forward-lost"] != 20 || got["after-1m-reverse-lost"] != 0 || f.Fact("after-1m") != "carries" {
		t.Errorf("%v, %q", got, f.Fact("after-1m"))
	}
	f = behaviour.Finding{}
	awake(&f, "after-1m", probe.Result{Forward: stream(100, 0, time.Hour), Reverse: stream(100, 0, 0)}, time.Second)
	if f.Fact("after-1m") != "carries nothing within 1s" {
		t.Errorf("%+v", f)
	}
}

func TestChatter(t *testing.T) {
	t.Parallel()
	var f behaviour.Finding
	chatter(&f, traffic{1000, 10}, traffic{1740, 15}, 30*time.Second)
	if got := values(f); got["octets"] != 1480 || got["packets"] != 10 {
		t.Errorf("%v", got)
	}
}

func TestRenewed(t *testing.T) {
	t.Parallel()
	r := probe.Result{Forward: stream(10000, 5100*ms, 5110*ms), Reverse: stream(10000, 0, 0)}
	for i := 5000; i < 5020; i++ {
		r.Reverse[i].Arrived += 40 * ms
	}
	var f behaviour.Finding
	renewed(&f, r, []time.Duration{5000 * ms})
	got := values(f)
	want := map[string]float64{"handshakes": 1, "forward-around-lost": 10, "forward-else-lost": 0, "reverse-around-lost": 0,
		"reverse-around-max": float64(40*ms + ms/2), "reverse-around-p50": float64(ms / 2), "reverse-else-max": float64(ms / 2)}
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s %v, want %v", name, got[name], value)
		}
	}
}

func TestBloated(t *testing.T) {
	t.Parallel()
	without, with := stream(1000, 0, 0), stream(1000, 100*ms, 110*ms)
	for i := range with {
		with[i].Arrived += 99 * ms / 2
	}
	var f behaviour.Finding
	bloated(&f, without, with)
	got := values(f)
	if got["quiet-p50"] != float64(ms/2) || got["loaded-p99"] != float64(50*ms) || got["ratio-p50"] != 100 || got["loaded-lost"] != 10 {
		t.Errorf("%v", got)
	}
	f = behaviour.Finding{}
	bloated(&f, without, stream(10, 0, time.Hour))
	if _, there := f.Value("ratio-p50"); there {
		t.Error("a ratio to nothing")
	}
}

func TestShort(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{time.Minute: "1m", 5 * time.Minute: "5m", 10 * time.Second: "10s", 90 * time.Second: "90s", 200 * ms: "200ms", ms / 2: "500us"} {
		if got := short(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}
