package live

import (
	"bytes"
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket/pcapgo"

	"github.com/tunnelbench/tunnelbench/fuzz/live/mutate"
	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/reexec"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

func TestMain(m *testing.M) {
	reexec.Main()
	os.Exit(m.Run())
}

func openLab(t *testing.T) *lab.Lab {
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
	return l
}

// labSettings are the settings of the tests. Frames may be half a second late, because other programs delay them.
func labSettings(engine string) lab.Settings {
	return lab.Settings{Engine: engine, MaxFrames: 1 << 22, LossTimeout: 500 * time.Millisecond}
}

// shortPlan is a short attack, of a rate and with a flow so light that a busy machine can carry both: while
// another program has the core of the tunnel, its socket holds some 270 datagrams. A trial has 250
// frames, so one frame is 0.4 %, twice the default tolerance; here up to five may be lost.
func shortPlan() Plan {
	return Plan{
		Senders: []Sender{Unknown, Spoofed}, Kind: mutate.Reference, Seed: 1,
		Rate: 5e3, Size: 64, Load: 1000, Duration: 2 * time.Second, Tolerance: 0.02,
	}
}

// labDevice is the named device, or a tunnel with a planted fault.
func labDevice(t *testing.T, name string) dut.Device {
	t.Helper()
	if name != "reference" {
		name = faultyTunnel(t, name)
	}
	d, err := dut.Parse(name)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// A tunnel without faults is clean with either engine; each planted fault is found.
func TestAttackOnLab(t *testing.T) {
	for _, c := range []struct {
		name, device, engine, find, says string
	}{
		{"reference", "reference", lab.EngineXDP, "", ""},
		{"reference, sockets", "reference", lab.EngineAFPacket, "", ""},
		{"sound", faultNone, lab.EngineXDP, "", ""},
		{"leak", faultLeak, lab.EngineXDP, FindGrowth, "resident memory grew by"},
		{"crash", faultCrash, lab.EngineXDP, FindDeath, "slice bounds out of range"},
		{"answer", faultAnswer, lab.EngineXDP, FindAnswer, "went to the unknown source"},
		{"poison", faultPoison, lab.EngineXDP, FindLasts, "after the attack began"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := Attack(context.Background(), OnLab(openLab(t), labSettings(c.engine)), labDevice(t, c.device), shortPlan(), Observer{})
			if err != nil {
				t.Fatal(err)
			}
			var text bytes.Buffer
			r.WriteText(&text)
			t.Log(text.String())
			checkFindings(t, r.DeviceReport, c.find, c.says)
			if r.Sent.Frames == 0 || r.Unknown.Frames < r.Sent.Frames/2-1 || !slices.Equal(r.Ports, []int{tunnelPort}) || r.Next != r.Sent.Frames {
				t.Errorf("sent %+v, %+v of it as an unknown source, to %v, next %d", r.Sent, r.Unknown, r.Ports, r.Next)
			}
			checkCapture(t, r)
		})
	}
}

// checkFindings wants one finding of the kind whose text contains says, or none. There may be no verdict on
// loss beside other programs.
func checkFindings(t *testing.T, d DeviceReport, kind, says string) {
	t.Helper()
	kinds := kindsOf(d)
	busy := strings.Contains(d.Error, "the machine was disturbed") || strings.Contains(d.Error, "trials were valid")
	switch {
	case kind == "" && len(kinds) > 0:
		t.Errorf("found %+v", d.Findings)
	case kind == "" && d.Error != "" && !busy:
		t.Errorf("%d quiet and %d attacked trials are valid, error %q", d.Quiet.Trials, d.Attack.Trials, d.Error)
	case kind == FindLasts && len(kinds) == 0 && busy:
		t.Log("the machine is too busy to see loss")
	case kind != "" && !slices.ContainsFunc(d.Findings, func(f Finding) bool { return f.Kind == kind && strings.Contains(f.Seen, says) }):
		t.Errorf("found %+v, want %s: %s", d.Findings, kind, says)
	}
}

// The attacker is no other program: the lab knows its CPU time.
func TestSocketIsKnown(t *testing.T) {
	plan := shortPlan()
	target, err := OnLab(openLab(t), labSettings(lab.EngineAFPacket))(context.Background(), labDevice(t, "reference"), plan)
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	at, trial := target.(*labTarget), rfc2544.Trial{Size: plan.Size, Load: plan.Load, Duration: minTrial}
	if err := at.sender.load(0, trial.Duration); err != nil {
		t.Fatal(err)
	}
	r, sent, err := at.sender.attack(context.Background(), at.setup, at.setup.Plan(trial))
	if err != nil || sent.All.Frames == 0 || r.Beside <= 0 || r.Beside > time.Minute {
		t.Errorf("%v; %d mutants sent in %v of CPU time", err, sent.All.Frames, r.Beside)
	}
}

// checkCapture compares a capture with the last mutants sent.
func checkCapture(t *testing.T, r Result) {
	t.Helper()
	var file bytes.Buffer
	if err := r.WriteCapture(&file); err != nil {
		t.Fatal(err)
	}
	capture, err := pcapgo.NewNgReader(&file, pcapgo.DefaultNgReaderOptions)
	if err != nil {
		t.Fatal(err)
	}
	n := min(maxCaptured, r.Next)
	r.mutants.Seek(r.Next - n)
	for range n {
		data, _, err := capture.ReadPacketData()
		if want := r.mutants.Next(nil); err != nil || !bytes.Equal(data, want) {
			t.Fatalf("captured % x, %v; sent % x", data, err, want)
		}
	}
	if _, _, err := capture.ReadPacketData(); err == nil {
		t.Error("more was captured than was sent")
	}
}

// A device without a link between two ends cannot be attacked.
func TestAttackWithoutLink(t *testing.T) {
	l := openLab(t)
	for _, spec := range []string{"wire", "relay"} {
		t.Run(spec, func(t *testing.T) {
			d, err := dut.Parse(spec)
			if err != nil {
				t.Fatal(err)
			}
			r, err := Attack(context.Background(), OnLab(l, labSettings(lab.EngineAuto)), d, shortPlan(), Observer{})
			if !errors.Is(err, lab.ErrConfig) || r.Error == "" {
				t.Errorf("%v, %q", err, r.Error)
			}
		})
	}
}
