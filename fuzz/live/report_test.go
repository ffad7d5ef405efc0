package live

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func liveFixture() *Report {
	sound := DeviceReport{
		DUT: "reference", ForwardingRate: 300e3, Load: 150e3, Attacked: "right", Ports: []int{4754}, Mutants: "reference", Sender: "the tester's loop in the kernel",
		First: 10, Next: 110, Sent: Traffic{100, 20000}, Unknown: Traffic{50, 10000}, ICMP: Traffic{2, 200},
		Quiet: Band{Trials: 3, P99: 90 * time.Microsecond}, Attack: Band{Trials: 3, P99: 95 * time.Microsecond},
		Memory:   &Memory{What: HeapMemory, Before: 4 << 20, After: 4<<20 + 512, Growth: 512},
		Counters: map[string]map[string]int64{"right": {"decap dropped tunnel": 7, "decap dropped checksum": 3}},
		Findings: []Finding{}, Notes: []string{}, Trials: []Trial{{Valid: true}},
	}
	leaky := DeviceReport{
		DUT: "exec:leaky.sh", Answers: Traffic{5, 500}, Deaths: 1, Memory: &Memory{What: ResidentMemory, Growth: 20 << 20}, Trials: []Trial{{}},
		Findings: []Finding{{FindGrowth, "it grew"}, {FindAnswer, "it answered"}}, Notes: []string{"a note"},
	}
	missing := DeviceReport{DUT: "vxlan", Error: "no VXLAN", Unsupported: "no VXLAN"}
	return &Report{Schema: Schema, Seed: 7, Senders: []string{"unknown"}, Rate: 50e3, Devices: []DeviceReport{sound, leaky, missing}}
}

func TestWriteText(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	c := liveFixture()
	for _, d := range c.Devices {
		d.WriteText(&text)
	}
	if err := c.WriteScorecard(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"reference: forwards 300000 fps; load 150000 fps", "numbers 10 to 109", "p99 quiet 90µs, attacked 95µs", "512 bytes by the attack",
		"ICMP 2 frames, 200 bytes (x 0.02)", "right: decap dropped checksum 3, decap dropped tunnel 7", "FINDING   memory: it grew", "note      a note",
		"vxlan: cannot run here: no VXLAN", "memory, answer", "20.0 MiB", "clean",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
}

func TestMarshal(t *testing.T) {
	t.Parallel()
	c := liveFixture()
	text, err := c.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	var again Report
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(c, &again); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
