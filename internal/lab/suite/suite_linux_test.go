package suite

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/labtest"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

func TestMain(m *testing.M) { labtest.Main(m) }

func runTiny(t *testing.T, l *labtest.Opened, path string, resume bool, specs ...string) (*result.Results, *Journal) {
	t.Helper()
	j, err := OpenJournal(t.Context(), path, someKey, resume)
	if err != nil {
		t.Fatal(err)
	}
	p := Plan{Settings: l.Settings, Sizes: []rfc2544.FrameSize{64}, Profile: Profile{Name: "tiny", Suite: &tinySuite, Goals: tinySuite.Goals(), Tunnels: 4}, Link: 5e6, Journal: j}
	p.Devices = labtest.Devices(t, specs...)
	r := &result.Results{Schema: result.Schema, Link: p.Link}
	if err := Run(context.Background(), On(l.Lab), p, r); err != nil {
		t.Fatal(err)
	}
	return r, j
}

// A suite runs on real tunnels, resets and all; and a run whose journal is there
// measures nothing again and finds the same.
func TestSuiteRunsAndResumes(t *testing.T) {
	testenv.NetAdmin(t)
	l := labtest.Open(t, lab.Settings{LossTimeout: 200 * time.Millisecond})
	dir := t.TempDir()
	first, j := runTiny(t, l, filepath.Join(dir, "journal.jsonl"), false, "vxlan", "reference")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	seen := map[string][]string{}
	for _, res := range first.Results {
		seen[res.DUT] = append(seen[res.DUT], res.Test)
		if res.Test == rfc2544.NameRate && len(res.Values) == 0 { // a busy machine: there is no rate to measure latency at
			seen[res.DUT] = append(seen[res.DUT], rfc2544.NameLatency)
		}
		if wanted := res.DUT == "vxlan" && res.Test == "reset_process"; (res.Unsupported != "") != wanted || res.Error != "" {
			t.Errorf("%s, %s: unsupported %q, error %q", res.DUT, res.Test, res.Unsupported, res.Error)
		}
		if res.Test == "reset_power" && len(res.Values) > 0 && res.Values[0].Value < 0 {
			t.Errorf("%s was back before it could: %+v", res.DUT, res.Values[0])
		}
		for _, o := range res.Trials {
			if o.Valid != (len(o.Invalid) == 0) {
				t.Errorf("%s, %s: valid %t, but %v", res.DUT, res.Test, o.Valid, o.Invalid)
			}
		}
	}
	every := []string{
		rfc2544.NameRate, rfc2544.NameLatency, rfc2544.NameThroughput, rfc2544.NameNetworks, rfc2544.NameDelay, rfc2544.NameLossRate,
		rfc2544.NameBackToBack, rfc2544.NameRecovery, rfc2544.NameBursts, "reset_process", "reset_system", "reset_power",
	}
	missing := func(dut string, tests ...string) {
		for _, test := range tests {
			if !slices.Contains(seen[dut], test) {
				t.Errorf("%s: no %s, but %v", dut, test, seen[dut])
			}
		}
	}
	missing("vxlan", every...)
	missing("reference", append(every, rfc2544.NameScale)...)

	again, j := runTiny(t, l, filepath.Join(dir, "journal.jsonl"), true, "vxlan", "reference")
	if j.Waiting == 0 || j.Replayed != j.Waiting {
		t.Errorf("%d of %d trials were not measured again", j.Replayed, j.Waiting)
	}
	if err := j.Finish(filepath.Join(dir, "trials.jsonl")); err != nil {
		t.Fatal(err)
	}
	if len(again.Results) != len(first.Results) {
		t.Fatalf("%d results, then %d", len(first.Results), len(again.Results))
	}
	for i := range first.Results {
		if !reflect.DeepEqual(first.Results[i].Values, again.Results[i].Values) {
			t.Errorf("%s: %+v, then %+v", first.Results[i].Test, first.Results[i].Values, again.Results[i].Values)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "journal.jsonl")); !errors.Is(err, os.ErrNotExist) {
		t.Error("the journal of a run that is over is still there")
	}
}

// A device that dies in the middle costs its own results only.
func TestDeviceThatDies(t *testing.T) {
	testenv.NetAdmin(t)
	l := labtest.Open(t, lab.Settings{LossTimeout: 200 * time.Millisecond})
	dies := labtest.Script(t, `trap 'exit 0' TERM
ip link add "$TB_DEV" type vxlan id 9 local "$TB_LOCAL" remote "$TB_PEER" dstport 4789 dev "$TB_WAN" && ip link set "$TB_DEV" up
sleep 2 & wait $!
echo out of luck >&2
exit 9`)
	devices := labtest.Devices(t, dies, "plain")
	p := Profile{Name: "tiny", Goals: tinySuite.Goals(), Sums: 10, Latency: time.Second, Repeats: 3}
	r := &result.Results{}
	err := Run(context.Background(), On(l.Lab), Plan{Settings: l.Settings, Devices: devices, Sizes: []rfc2544.FrameSize{64}, Profile: p, Link: rfc2544.Gigabit}, r)
	if err != nil {
		t.Fatal(err)
	}
	var died, other bool
	for _, res := range r.Results {
		if res.DUT == devices[0].Spec {
			died = died || strings.Contains(res.Error, "out of luck")
		} else {
			other = other || len(res.Trials) > 0
		}
	}
	if !died || !other {
		t.Errorf("the device's death noticed: %t; the other measured: %t: %+v", died, other, r.Results)
	}
}
