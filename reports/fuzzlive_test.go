package reports

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

func liveFixture() *FuzzLive {
	sound := LiveDevice{
		DUT: "reference", ForwardingRate: 300e3, Load: 150e3, Attacked: "right", Ports: []int{4754}, Mutants: "reference", Sender: "the tester's loop in the kernel",
		First: 10, Next: 110, Sent: Traffic{100, 20000}, Strange: Traffic{50, 10000}, ICMP: Traffic{2, 200},
		Quiet: LiveBand{Trials: 3, P99: 90 * time.Microsecond}, Under: LiveBand{Trials: 3, P99: 95 * time.Microsecond},
		Memory:   &LiveMemory{What: LiveHeap, Before: 4 << 20, After: 4<<20 + 512, Growth: 512},
		Counters: map[string]map[string]int64{"right": {"decap dropped tunnel": 7, "decap dropped checksum": 3}},
		Findings: []LiveFinding{}, Notes: []string{}, Trials: []LiveTrial{{Valid: true}},
	}
	leaky := LiveDevice{
		DUT: "exec:leaky.sh", Answers: Traffic{5, 500}, Deaths: 1, Memory: &LiveMemory{What: LiveResident, Growth: 20 << 20}, Trials: []LiveTrial{{}},
		Findings: []LiveFinding{{LiveGrowth, "it grew"}, {LiveAnswer, "it answered"}}, Notes: []string{"a note"},
	}
	missing := LiveDevice{DUT: "vxlan", Error: "no VXLAN", Unsupported: "no VXLAN"}
	return &FuzzLive{Schema: FuzzLiveSchema, Seed: 7, Senders: []string{"stranger"}, Rate: 50e3, Devices: []LiveDevice{sound, leaky, missing}}
}

func TestFuzzLiveText(t *testing.T) {
	var text bytes.Buffer
	c := liveFixture()
	for _, d := range c.Devices {
		FuzzLiveText(&text, d)
	}
	if err := FuzzLiveScorecard(&text, c); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"reference: forwards 300000 fps; load 150000 fps", "numbers 10 to 109", "p99 quiet 90µs, attacked 95µs", "512 octets by the attack",
		"ICMP 2 frames, 200 octets (x 0.02)", "right: decap dropped checksum 3, decap dropped tunnel 7", "FINDING   memory: it grew", "note      a note",
		"vxlan: cannot be had here: no VXLAN", "memory, answer", "20.0 MiB", "clean",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
}

func TestFuzzLiveFile(t *testing.T) {
	c := liveFixture()
	text, err := MarshalFuzzLive(c)
	if err != nil {
		t.Fatal(err)
	}
	var again FuzzLive
	if err := json.Unmarshal(text, &again); err != nil || !reflect.DeepEqual(&again, c) {
		t.Errorf("%v\n%s", err, text)
	}
}
