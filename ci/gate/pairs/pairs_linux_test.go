package pairs

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/tunnelbench/tunnelbench/ci/compare"
	"github.com/tunnelbench/tunnelbench/ci/gate"
	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/labtest"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/netns/dut"
)

func TestMain(m *testing.M) { labtest.Main(m) }

func TestPairs(t *testing.T) {
	testenv.NetAdmin(t)
	l := labtest.Open(t, lab.Settings{})
	plain := labtest.Devices(t, "plain")[0]
	base, head := emptySets()
	wanted := []gate.SetMetric{
		{Name: "closed_loop_rate", FrameSize: 64}, {Name: "latency_p50", FrameSize: 1518}, {Name: "stream_goodput"}, {Name: "latency_p50", FrameSize: 64},
	}
	p, err := Open(context.Background(), compare.On(l.Lab), Plan{Settings: l.Settings, Goodput: goodput, Base: []dut.Device{plain, plain}, Head: []dut.Device{plain}}, wanted, Sides{base, head})
	if err != nil {
		t.Fatal(err)
	}
	if len(base.Metrics) != 4 || len(base.Loads) != 2 || fmt.Sprint(base.Metrics) != fmt.Sprint(head.Metrics) {
		t.Errorf("metrics %v, loads %v", base.Metrics, base.Loads)
	}
	all := []string{"closed_loop_rate/64", "latency_p50/64", "latency_p50/1518", "stream_goodput"}
	if err := p.Measure(context.Background(), 1, 1, all); err != nil {
		t.Fatal(err)
	}
	if err := p.Measure(context.Background(), 1, 2, all[:1]); err != nil {
		t.Fatal(err)
	}
	if len(base.Turns) != 2 || len(head.Turns) != 2 || base.Turns[1].Build != 1 || head.Turns[1].Build != 0 {
		t.Fatalf("%+v\n%+v", base.Turns, head.Turns)
	}
	for i, turn := range head.Turns {
		if turn.Place+base.Turns[i].Place != 3 || turn.Died != "" {
			t.Errorf("pair %d: %+v, %+v", i+1, base.Turns[i], turn)
		}
	}
	if len(head.Turns[0].Values) != 4 || len(head.Turns[1].Values) != 1 {
		t.Errorf("%v", head.Turns)
	}
	if v := head.Turns[1].Values["closed_loop_rate/64"]; v != nil && *v < 1000 {
		t.Errorf("%v frames a second", *v)
	}
	for _, set := range []*gate.Set{base, head} {
		set.Builds = []gate.Build{{SHA256: strings.Repeat("0", 64)}, {SHA256: strings.Repeat("1", 64), Layout: 1}}
		if _, err := gate.EncodeSet(set); err != nil {
			t.Error(err)
		}
	}
}
