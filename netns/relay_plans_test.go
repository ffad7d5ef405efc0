package netns

import (
	"slices"
	"testing"
)

func TestRelayPlansAreValid(t *testing.T) {
	for _, p := range []Plan{{}, {LANMTU: 9000}, {LANMTU: 576, WANMTU: 1500, PlainWAN: true, RPS: []int{1}}} {
		between, ok := Between(Dual(p))
		if !ok {
			t.Error("Dual has no wan link")
		}
		for _, topology := range []Topology{Inline(p), between} {
			if err := topology.Validate(); err != nil {
				t.Errorf("%+v: %v", p, err)
			}
		}
	}
}

// Between changes neither the nodes left and right nor the topology that it was given.
func TestBetween(t *testing.T) {
	dual := Dual(Plan{})
	between, _ := Between(dual)
	var ends []string
	for _, l := range between.Links {
		ends = append(ends, l.A.name(), l.B.name())
		if l.Offloads {
			t.Errorf("%s-%s: offloads are on", l.A.name(), l.B.name())
		}
	}
	want := []string{"tester:port0", "left:lan", "left:wan", "between:left", "between:right", "right:wan", "right:lan", "tester:port1"}
	if !slices.Equal(ends, want) {
		t.Errorf("%q, want %q", ends, want)
	}
	if len(dual.Nodes) != 3 || len(dual.Links) != 3 || !dual.Links[1].Offloads {
		t.Errorf("the original has changed: %+v", dual)
	}
	for _, other := range []Topology{Wire(Plan{}), Inline(Plan{})} {
		if _, ok := Between(other); ok {
			t.Errorf("%s has a wan link", other.Name)
		}
	}
}
