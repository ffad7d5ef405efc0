package live

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gopacket/gopacket/pcapgo"

	"github.com/tunnelbench/tunnelbench/fuzz/live/mutate"
	"github.com/tunnelbench/tunnelbench/fuzz/report"
	"github.com/tunnelbench/tunnelbench/netns/dut"
)

func device(spec string) dut.Device { return dut.Device{Spec: spec, Argument: spec} }

// attackSimulated attacks one simulated tunnel.
func attackSimulated(t *testing.T, s *simulated) Result {
	t.Helper()
	r, err := Attack(context.Background(), openSimulated(map[string]*simulated{"it": s}), device("it"), simulatedPlan(), Observer{})
	if err != nil {
		t.Fatal(err)
	}
	if !s.closed {
		t.Error("the target was not closed")
	}
	return r
}

// kindsOf returns the kinds of the findings.
func kindsOf(d DeviceReport) (kinds []string) {
	for _, f := range d.Findings {
		kinds = append(kinds, f.Kind)
	}
	return kinds
}

// Each fault of a tunnel is found with the right kind; a tunnel without faults is clean.
func TestAttackFindsFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		target simulated
		kinds  []string
		err    string // begin of the reason for no verdict
	}{
		{"sound", simulated{forwards: 100e3}, nil, ""},
		{"loses little", simulated{forwards: 100e3, loss: 0.001}, nil, ""},
		{"loses under attack", simulated{forwards: 100e3, loss: 0.1}, []string{FindLoss}, ""},
		{"loses for good", simulated{forwards: 100e3, lasting: 1}, []string{FindLasts, FindLoss}, ""},
		{"leaks", simulated{forwards: 100e3, leak: 1024}, []string{FindGrowth}, ""},
		{"answers", simulated{forwards: 100e3, answers: true}, []string{FindAnswer}, ""},
		{"dies at once", simulated{forwards: 100e3, diesIn: 1}, []string{FindDeath}, ""},
		{"dies under attack", simulated{forwards: 100e3, diesIn: 3}, []string{FindDeath}, ""},
		{"forwards nothing", simulated{}, nil, "it forwarded nothing"},
		{"attacker too slow", simulated{forwards: 100e3, short: true}, nil, "5 quiet and 0 attacked trials were valid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := attackSimulated(t, &c.target)
			if diff := cmp.Diff(c.kinds, kindsOf(r.DeviceReport)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			if !strings.HasPrefix(r.Error, c.err) || (c.err == "") != (r.Error == "") {
				t.Errorf("error %q, want %q", r.Error, c.err)
			}
		})
	}
}

// Quiet trials come first and last, each attacked trial follows a quiet one, and the numbers of mutants
// continue from trial to trial.
func TestAttackOrder(t *testing.T) {
	t.Parallel()
	r := attackSimulated(t, &simulated{forwards: 100e3})
	var order strings.Builder
	next := uint64(0)
	for _, trial := range r.Trials {
		order.WriteByte(map[bool]byte{false: 'q', true: 'a'}[trial.Attacked])
		if trial.First != next {
			t.Errorf("a trial begins with mutant %d, want %d", trial.First, next)
		}
		next += trial.Sent.Frames
	}
	if order.String() != "qqaqaqaq" || r.Next != next || r.Load != 50e3 {
		t.Errorf("order %s, next mutant %d of %d, load %v", order.String(), r.Next, next, r.Load)
	}
	want := map[string]map[string]int64{"right": {"dropped": 7500}}
	if diff := cmp.Diff(want, r.Counters); diff != "" {
		t.Errorf("counters (-want +got):\n%s", diff)
	}
}

// An invalid trial is repeated, and a failed memory reading is left out.
func TestAttackDisturbed(t *testing.T) {
	t.Parallel()
	r := attackSimulated(t, &simulated{forwards: 100e3, invalid: 3, busyIn: 6, stall: 45 << 20})
	if diff := cmp.Diff([]string(nil), kindsOf(r.DeviceReport)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if len(r.Trials) != 9 || r.Quiet.Trials != 5 || r.Attack.Trials != 3 || len(r.Notes) != 1 || r.Trials[5].Memory != 0 || r.Trials[6].Memory != 0 || r.Trials[7].Memory == 0 {
		t.Errorf("%d trials, %d quiet and %d attacked of them valid, notes %q", len(r.Trials), r.Quiet.Trials, r.Attack.Trials, r.Notes)
	}
}

func TestStderrTail(t *testing.T) {
	t.Parallel()
	r := attackSimulated(t, &simulated{forwards: 100e3, diesIn: 3})
	if want := "the right side ended: exit status 2: panic: index out of range;"; r.StderrTail != want {
		t.Errorf("%q, want %q", r.StderrTail, want)
	}
}

// The mutants look like the device's protocol unless the plan says otherwise.
func TestPlanFor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, protocol string
		asked, want    mutate.Kind
	}{
		{"known", "vxlan", 0, mutate.VXLAN},
		{"unknown", "", 0, mutate.Any},
		{"of its own", "ipsec", 0, mutate.Any},
		{"asked for", "vxlan", mutate.WireGuard, mutate.WireGuard},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := (Plan{Kind: c.asked}).For(dut.Device{Tunnel: dut.Tunnel{Protocol: c.protocol}}); got.Kind != c.want {
				t.Errorf("%v, want %v", got.Kind, c.want)
			}
		})
	}
	for _, tunnel := range dut.All() {
		if _, err := mutate.ParseKind(tunnel.Protocol); tunnel.Protocol != "" && err != nil {
			t.Errorf("%s: %v", tunnel.Name, err)
		}
	}
}

func TestParseSenders(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		list string
		want []Sender
	}{
		{"unknown,spoofed", []Sender{Unknown, Spoofed}},
		{"stranger,forger", []Sender{Unknown, Forger}}, // the former word
		{"unknown,stranger", nil},
		{"peer", nil},
		{"", nil},
	} {
		t.Run(c.list, func(t *testing.T) {
			t.Parallel()
			got, err := ParseSenders(c.list)
			if err == nil && cmp.Diff(c.want, got) != "" || (err == nil) != (c.want != nil) {
				t.Errorf("%v, %v; want %v", got, err, c.want)
			}
		})
	}
}

// campaignOf attacks the named devices; its files are in the folder.
func campaignOf(t *testing.T, devices map[string]*simulated, names ...string) (dir, text string, err error) {
	t.Helper()
	c := Campaign{
		Plan: simulatedPlan(), Out: t.TempDir(), Scorecard: true,
	}
	for _, name := range names {
		c.Devices = append(c.Devices, device(name))
	}
	var out, progress bytes.Buffer
	err = c.Run(context.Background(), openSimulated(devices), &out, &progress)
	return c.Out, out.String(), err
}

// A device that cannot run here does not end a campaign; one with a finding decides its verdict.
func TestCampaignVerdicts(t *testing.T) {
	t.Parallel()
	sound := func() *simulated { return &simulated{forwards: 100e3} }
	for _, c := range []struct {
		name    string
		devices map[string]*simulated
		run     []string
		want    error // nil: clean
	}{
		{"clean", map[string]*simulated{"a": sound(), "b": sound()}, []string{"a", "b"}, nil},
		{"one is missing", map[string]*simulated{"a": sound()}, []string{"gone", "a"}, nil},
		{"the only one is missing", nil, []string{"gone"}, errors.ErrUnsupported},
		{"one forwards nothing", map[string]*simulated{"a": sound(), "b": {}}, []string{"a", "b"}, report.ErrNoVerdict},
		{"a finding", map[string]*simulated{"a": {forwards: 100e3, answers: true}, "b": {}}, []string{"a", "b"}, report.ErrFinding},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir, text, err := campaignOf(t, c.devices, c.run...)
			if !errors.Is(err, c.want) {
				t.Errorf("verdict %v, want %v", err, c.want)
			}
			var r Report
			data, err := os.ReadFile(filepath.Join(dir, "live.json"))
			if err == nil {
				err = json.Unmarshal(data, &r)
			}
			if err != nil || len(r.Devices) != len(c.run) || !strings.Contains(text, c.run[0]) {
				t.Errorf("%v, %d devices in the file; printed\n%s", err, len(r.Devices), text)
			}
		})
	}
}

// A finding comes with a command that repeats it and a capture of the last mutants sent.
func TestCampaignExplains(t *testing.T) {
	t.Parallel()
	dir, text, _ := campaignOf(t, map[string]*simulated{"a:x": {forwards: 100e3, answers: true}}, "a:x")
	if !strings.Contains(text, "replay    tunnelbench fuzz live --dut a:x --seed ") {
		t.Errorf("no command in\n%s", text)
	}
	file, err := os.Open(filepath.Join(dir, "live-a_x.pcapng"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	capture, err := pcapgo.NewNgReader(file, pcapgo.DefaultNgReaderOptions)
	if err != nil {
		t.Fatal(err)
	}
	again := simulatedPlan().mutants((&simulated{}).Attacker().Path)
	again.Seek(7500 - maxCaptured)
	for i := range maxCaptured {
		data, _, err := capture.ReadPacketData()
		if want := again.Next(nil); err != nil || !bytes.Equal(data, want) {
			t.Fatalf("packet %d is % x, %v; want % x", i, data, err, want)
		}
	}
	if _, _, err := capture.ReadPacketData(); err == nil {
		t.Error("more was captured than was sent")
	}
}

// What was measured is in the file after each device, whatever becomes of the words and the capture.
func TestCampaignWritesAsItGoes(t *testing.T) {
	t.Parallel()
	devices := map[string]*simulated{"a": {forwards: 100e3, answers: true}, "b": {forwards: 100e3}}
	for name, out := range map[string]io.Writer{"fine": io.Discard, "full disk": fullDisk{}} {
		t.Run(name, func(t *testing.T) {
			c := Campaign{Plan: simulatedPlan(), Out: t.TempDir(), Devices: []dut.Device{device("a"), device("b")}}
			if err := os.Mkdir(filepath.Join(c.Out, c.captureName(device("a"), "any")), 0o755); err != nil { // the capture cannot be written
				t.Fatal(err)
			}
			before := 0
			open := func(ctx context.Context, d dut.Device, p Plan) (Target, error) {
				if d.Spec == "b" {
					before = devicesIn(t, c.Out)
				}
				return openSimulated(devices)(ctx, d, p)
			}
			err := c.Run(t.Context(), open, out, io.Discard)
			if after := devicesIn(t, c.Out); !errors.Is(err, report.ErrFinding) || before != 1 || after != 2 {
				t.Errorf("%v; %d devices in the file before the second one, %d after it", err, before, after)
			}
		})
	}
}

// A reader that has read enough is no fault, and that of each capture is said. The files are complete.
func TestCampaignFaultsOfFiles(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		out     io.Writer
		answers bool
		says    []string // in the error; none: there is no error
	}{
		"closed pipe":  {closedPipe{}, false, nil},
		"full disk":    {fullDisk{}, false, []string{"no space left"}},
		"two captures": {io.Discard, true, []string{(Campaign{}).captureName(device("a"), "any"), (Campaign{}).captureName(device("b"), "any")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			devices := map[string]*simulated{"a": {forwards: 100e3, answers: c.answers}, "b": {forwards: 100e3, answers: c.answers}, "c": {forwards: 100e3}}
			run := Campaign{Plan: simulatedPlan(), Out: t.TempDir(), Scorecard: true, Devices: []dut.Device{device("a"), device("b"), device("c")}}
			for _, d := range run.Devices {
				if err := os.Mkdir(filepath.Join(run.Out, run.captureName(d, "any")), 0o755); err != nil { // no capture can be written
					t.Fatal(err)
				}
			}
			err := run.Run(t.Context(), openSimulated(devices), c.out, io.Discard)
			if (err == nil) != (c.says == nil) {
				t.Errorf("%v", err)
			}
			for _, says := range c.says {
				if err != nil && !strings.Contains(err.Error(), says) {
					t.Errorf("%v, which does not name %s", err, says)
				}
			}
			if n := devicesIn(t, run.Out); n != 3 {
				t.Errorf("%d devices in the file", n)
			}
		})
	}
}

// closedPipe is a pipe whose reader has read enough.
type closedPipe struct{}

func (closedPipe) Write([]byte) (int, error) { return 0, syscall.EPIPE }

// What was measured is in the file during an attack, which has no verdict yet.
func TestCampaignWritesDuringAnAttack(t *testing.T) {
	t.Parallel()
	s := &simulated{forwards: 100e3}
	c := Campaign{Plan: simulatedPlan(), Out: t.TempDir(), Devices: []dut.Device{device("a")}}
	s.onTrial = func(n int) {
		if n != 2 {
			return
		}
		var r Report
		data, err := os.ReadFile(c.file())
		if err == nil {
			err = json.Unmarshal(data, &r)
		}
		if err != nil || len(r.Devices) != 1 || len(r.Devices[0].Trials) != 1 || r.Devices[0].Quiet.Trials != 1 || r.Devices[0].Error == "" {
			t.Errorf("%v; in the file is %+v", err, r.Devices)
		}
	}
	if err := c.Run(t.Context(), openSimulated(map[string]*simulated{"a": s}), io.Discard, io.Discard); err != nil || s.trials < 2 {
		t.Errorf("%v after %d trials", err, s.trials)
	}
}

// An interrupted campaign says that its file has what was measured only if it was written.
func TestCampaignInterruptedWithoutFile(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	s := &simulated{forwards: 100e3, onTrial: func(int) { cancel() }}
	c := Campaign{Plan: simulatedPlan(), Out: filepath.Join(t.TempDir(), "gone"), Devices: []dut.Device{device("a")}}
	err := c.Run(ctx, openSimulated(map[string]*simulated{"a": s}), io.Discard, io.Discard)
	if !errors.Is(err, context.Canceled) || !errors.Is(err, os.ErrNotExist) || strings.Contains(err.Error(), "has what was measured") {
		t.Errorf("%v", err)
	}
}

// fullDisk is a writer without room.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

// devicesIn returns the number of devices in a campaign's file.
func devicesIn(t *testing.T, dir string) int {
	t.Helper()
	var r Report
	data, err := os.ReadFile(filepath.Join(dir, "live.json"))
	if err == nil {
		err = json.Unmarshal(data, &r)
	}
	if err != nil {
		t.Error(err)
	}
	return len(r.Devices)
}

// What was found before an interrupt is written.
func TestCampaignInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	c := Campaign{Plan: simulatedPlan(), Out: t.TempDir(), Devices: []dut.Device{device("a"), device("b")}}
	open := func(ctx context.Context, d dut.Device, p Plan) (Target, error) {
		cancel()
		return openSimulated(map[string]*simulated{"a": {forwards: 100e3}, "b": {forwards: 100e3}})(ctx, d, p)
	}
	var out bytes.Buffer
	if err := c.Run(ctx, open, &out, &out); !errors.Is(err, context.Canceled) {
		t.Errorf("verdict %v", err)
	}
	if _, err := os.Stat(filepath.Join(c.Out, "live.json")); err != nil || strings.Contains(out.String(), "b:") {
		t.Errorf("%v; printed\n%s", err, out.String())
	}
}
