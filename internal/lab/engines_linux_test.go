package lab

import (
	"context"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Either engine sees every frame through a device, of which a busy machine may
// cut some; whoever leaves the choice open gets the one that can send the frames.
func TestEngines(t *testing.T) {
	testenv.NetAdmin(t)
	for _, c := range []struct {
		engine string
		size   rfc2544.FrameSize
		want   string
	}{
		{EngineAuto, 64, EngineXDP}, {EngineXDP, 1518, EngineXDP},
		{EngineAFPacket, 64, EngineAFPacket}, {EngineAFPacket, 1518, EngineAFPacket}, {EngineAuto, rfc2544.MaxFrame, EngineAFPacket},
	} {
		l := openLabWith(t, Settings{Engine: c.engine})
		b := openBench(t, l, "plain", c.size)
		o, err := b.Measure(context.Background(), rfc2544.Trial{Size: c.size, Load: 10e3, Duration: 100 * time.Millisecond})
		if err != nil || o.Intended != 1000 || o.Offered < 100 || o.Received+o.Late != o.Offered || o.Duplicated+o.Reordered+o.Corrupted+o.Stale+o.Foreign != 0 {
			t.Errorf("%s, %d octets: %+v, %v", c.engine, c.size, o, err)
		}
		if len(o.Drops.Once()) != 0 {
			t.Errorf("%s, %d octets: dropped %v", c.engine, c.size, o.Drops)
		}
		if got := b.Settings().Engine; got != c.want {
			t.Errorf("%s, %d octets: measured by %q, want %q", c.engine, c.size, got, c.want)
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}

// afterPatterns is what a ledger must show of n frames that went through a relay
// with the patterns of TestEnginesAgreeOnARelay.
func afterPatterns(n int) (received, duplicated, reordered, corrupted uint64) {
	for i := 1; i <= n; i++ {
		switch {
		case i%1000 == 0:
		case i%300 == 0:
			corrupted++
		case i%700 == 0:
			received, duplicated = received+1, duplicated+1
		case i%500 == 0 && i < n: // behind the next frame
			received, reordered = received+1, reordered+1
		default:
			received++
		}
	}
	return received, duplicated, reordered, corrupted
}

// Both engines see what a relay did, both ways at once, exactly as it did it.
func TestEnginesAgreeOnARelay(t *testing.T) {
	testenv.NetAdmin(t)
	const frames = 4000 // a busy machine may cut some
	for _, engine := range []string{EngineXDP, EngineAFPacket} {
		l := openLabWith(t, Settings{Engine: engine, Direction: rfc2544.Both})
		b := openBench(t, l, "relay:drop=1/1000,dup=1/700,reorder=1/500,corrupt=1/300", 128)
		o, err := b.Measure(context.Background(), rfc2544.Trial{Size: 128, Load: frames / 0.2, Duration: 200 * time.Millisecond})
		if err != nil || len(o.Directions) != 2 {
			t.Fatalf("%s: %+v, %v", engine, o, err)
		}
		for _, d := range o.Directions {
			received, duplicated, reordered, corrupted := afterPatterns(int(d.Offered))
			if d.Intended != frames || d.Offered < 1000 || d.Received+d.Late != received || d.Duplicated != duplicated || d.Reordered != reordered ||
				d.Corrupted != corrupted || d.Stale+d.Foreign != 0 {
				t.Errorf("%s, %s: got %+v, want %d received, %d duplicated, %d reordered, %d corrupted",
					engine, d.Direction, d, received, duplicated, reordered, corrupted)
			}
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}
