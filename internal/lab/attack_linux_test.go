package lab

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket/pcapgo"

	"github.com/tunnelbench/tunnelbench/fuzz/live/mutate"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports"
)

func referenceMutants(p mutate.Path) *mutate.Stream { return mutate.New(1, mutate.Reference, p) }

// shortAttack is short, and its flow so light that no machine is too busy for it.
func shortAttack() AttackPlan {
	return AttackPlan{
		As: []string{AttackStranger, AttackSpoofed}, Name: "reference", Mutants: referenceMutants,
		Rate: 20e3, Size: 64, Load: 1000, Duration: 2 * time.Second, Tolerance: 0.2,
	}
}

func attackDevice(t *testing.T, l *openedLab, spec string, p AttackPlan) AttackReport {
	t.Helper()
	d, err := dut.Parse(spec)
	if err != nil {
		t.Fatal(err)
	}
	p.Settings = l.set
	r, err := l.Attack(context.Background(), d, p)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	reports.FuzzLiveText(&text, r.LiveDevice)
	t.Log(text.String())
	return r
}

// kindsOf are the kinds of what was found.
func kindsOf(r AttackReport) (kinds []string) {
	for _, f := range r.Findings {
		kinds = append(kinds, f.Kind)
	}
	return kinds
}

// A sound tunnel is clean, whoever wrote it and whichever engine attacks; each
// planted fault is named.
func TestAttack(t *testing.T) {
	for _, c := range []struct {
		name, spec, engine, find, says string
	}{
		{"reference", "reference", EngineXDP, "", ""},
		{"reference, sockets", "reference", EngineAFPacket, "", ""},
		{"sound", faultNone, EngineXDP, "", ""},
		{"leak", faultLeak, EngineXDP, reports.LiveGrowth, "resident memory grew by"},
		{"crash", faultCrash, EngineXDP, reports.LiveDeath, "slice bounds out of range"},
		{"answer", faultAnswer, EngineXDP, reports.LiveAnswer, "went to the stranger"},
		{"poison", faultPoison, EngineXDP, reports.LiveLasts, "after the attack began"},
	} {
		t.Run(c.name, func(t *testing.T) {
			spec := c.spec
			if spec != "reference" {
				spec = faultyTunnel(t, c.spec)
			}
			r := attackDevice(t, openLabWith(t, Settings{Engine: c.engine}), spec, shortAttack())
			kinds := kindsOf(r)
			busy := r.Quiet.Trials < attackPairs || r.Under.Trials < attackPairs // with others: no word on loss
			switch {
			case c.find == "" && len(kinds) > 0:
				t.Errorf("found %+v", r.Findings)
			case c.find == "" && busy != (r.Error != ""):
				t.Errorf("%d and %d valid trials, error %q", r.Quiet.Trials, r.Under.Trials, r.Error)
			case c.find == reports.LiveLasts && busy:
				t.Log("too busy a machine to see loss")
			case c.find != "" && (!slices.Contains(kinds, c.find) || !strings.Contains(r.Findings[slices.Index(kinds, c.find)].Seen, c.says)):
				t.Errorf("found %+v, want %s: %s", r.Findings, c.find, c.says)
			}
			if r.Sent.Frames == 0 || r.Strange.Frames < r.Sent.Frames/2-1 || !slices.Equal(r.Ports, []int{tunnelPort}) || r.Next != r.Sent.Frames {
				t.Errorf("sent %+v, as a stranger %+v, to %v, next %d", r.Sent, r.Strange, r.Ports, r.Next)
			}
			checkCapture(t, r)
		})
	}
}

// checkCapture compares a capture with the mutants that were sent last.
func checkCapture(t *testing.T, r AttackReport) {
	t.Helper()
	var file bytes.Buffer
	if err := r.WriteLast(&file); err != nil {
		t.Fatal(err)
	}
	capture, err := pcapgo.NewNgReader(&file, pcapgo.DefaultNgReaderOptions)
	if err != nil {
		t.Fatal(err)
	}
	n := min(mostCaptured, r.Next)
	again := referenceMutants(r.path)
	again.Seek(r.Next - n)
	for range n {
		data, _, err := capture.ReadPacketData()
		if want := again.Next(nil); err != nil || !bytes.Equal(data, want) {
			t.Fatalf("captured % x, %v; sent % x", data, err, want)
		}
	}
	if _, _, err := capture.ReadPacketData(); err == nil {
		t.Error("more is captured than was sent")
	}
}

// Where there is no link between two ends nothing can be attacked.
func TestAttackWithoutLink(t *testing.T) {
	l := openLab(t)
	for _, spec := range []string{"wire", "relay"} {
		d, err := dut.Parse(spec)
		if err != nil {
			t.Fatal(err)
		}
		if r, err := l.Attack(context.Background(), d, shortAttack()); !errors.Is(err, ErrConfig) || r.Error == "" {
			t.Errorf("%s: %v, %q", spec, err, r.Error)
		}
	}
}
