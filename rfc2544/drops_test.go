package rfc2544

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDropsAreCountedOnce(t *testing.T) {
	t.Parallel()
	socket := Drop{Node: "right", Kind: "udp rcvbuf", Frames: 60}
	port := Drop{Node: "left", Device: "lan", Kind: "rx_dropped", Frames: 5}
	backlog := Drop{Device: "cpu1", Kind: "backlog", Also: true, Frames: 7}
	for _, c := range []struct {
		name  string
		drops Drops
		once  Drops
		sum   int64
	}{
		{"none", nil, nil, 0},
		{"each on its own", Drops{port, socket}, Drops{port, socket}, 65},
		{"counted by another, too", Drops{backlog, socket}, Drops{socket}, 60},
		{"nothing else", Drops{backlog}, Drops{}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.once, c.drops.Once()); diff != "" {
				t.Errorf("once (-want +got):\n%s", diff)
			}
			if got := c.drops.Sum(); got != c.sum {
				t.Errorf("sum %d, want %d", got, c.sum)
			}
		})
	}
}

// Results of schema /1 have an object of numbers by place; it reads as records that print
// the same, and what no counter saw moves to its field.
func TestReadDrops(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		want       Observation
		places     []string
	}{
		{"records", `{"drops":[{"node":"left","device":"lan","kind":"rx_dropped","also":true,"frames":3}],"unexplained":-2}`,
			Observation{Drops: Drops{{Node: "left", Device: "lan", Kind: "rx_dropped", Also: true, Frames: 3}}, Unexplained: -2},
			[]string{"left:lan rx_dropped"}},
		{"object", `{"drops":{"right udp rcvbuf":60,"left:lan rx_dropped":3,"cpu1 backlog":7,"device":1,"unexplained":-4}}`,
			Observation{Drops: Drops{
				{Device: "cpu1", Kind: "backlog", Frames: 7}, {Kind: "device", Frames: 1},
				{Node: "left", Device: "lan", Kind: "rx_dropped", Frames: 3}, {Node: "right", Kind: "udp rcvbuf", Frames: 60},
			}, Unexplained: -4},
			[]string{"cpu1 backlog", "device", "left:lan rx_dropped", "right udp rcvbuf"}},
		{"object of nothing", `{"drops":{}}`, Observation{Drops: Drops{}}, nil},
		{"reasons by place", `{"drops":{},"drop_reasons":{"left:lan NO_SOCKET":2,"right OTHERHOST":1}}`,
			Observation{Drops: Drops{}, DropReasons: DropReasons{
				{Node: "left", Device: "lan", Reason: "NO_SOCKET", Frames: 2}, {Node: "right", Reason: "OTHERHOST", Frames: 1},
			}}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got Observation
			if err := json.Unmarshal([]byte(c.text), &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			var places []string
			for _, d := range got.Drops {
				places = append(places, d.Place())
			}
			if diff := cmp.Diff(c.places, places); diff != "" && c.places != nil {
				t.Errorf("places (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDropsRefuse(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"a number": `{"drops":3}`, "a text for frames": `{"drops":{"a b":"c"}}`, "a list of numbers": `{"drops":[1]}`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var o Observation
			if err := json.Unmarshal([]byte(text), &o); err == nil {
				t.Errorf("%+v", o)
			}
		})
	}
}
