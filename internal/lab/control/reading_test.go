package control

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/internal/lab"
)

// moving returns blocks of a machine that is slow in some of them: the control then has share of its
// 500 kfps, and a device of 300 kfps follows with this slope.
func moving(slow []bool, share, slope float64) (blocks []Block) {
	random := rand.New(rand.NewPCG(1, 2))
	noise := func() float64 { return math.Exp(0.01 * random.NormFloat64()) }
	for _, isSlow := range slow {
		b := Block{500e3 * noise(), 300e3 * noise()}
		if isSlow {
			b.Control *= share
			b.Device *= math.Pow(share, slope)
		}
		blocks = append(blocks, b)
	}
	return blocks
}

func half(n int) (slow []bool) {
	for i := range n {
		slow = append(slow, i%2 == 0)
	}
	return slow
}

// The rate at the control's nominal speed does not depend on how long the machine was slow.
func TestReadings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		bringUps [][]Block
		want     float64 // normal rate
	}{
		{"steady", [][]Block{moving(make([]bool, 20), 1, 1)}, 300e3},
		{"follows fully", [][]Block{moving(half(20), 0.75, 1)}, 300e3},
		{"follows little", [][]Block{moving(half(20), 0.75, 0.3)}, 300e3},
		{"follows not at all", [][]Block{moving(half(20), 0.75, 0)}, 300e3},
		{"slow in one of two bring-ups", [][]Block{moving(make([]bool, 10), 1, 1), moving([]bool{true, true, true, true, true, true}, 0.75, 0.3)}, 300e3},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r, ok := read(c.bringUps)
			if !ok || math.Abs(r.Normal.Value/c.want-1) > 0.02 || math.Abs(r.Ratio.Value/0.6-1) > 0.03 {
				t.Fatalf("normal rate %.0f, ratio %.3f, slope %.2f, %v", r.Normal.Value, r.Ratio.Value, r.Slope, ok)
			}
			if r.Normal.Lower > r.Normal.Value || r.Normal.Upper < r.Normal.Value || r.Normal.Upper/r.Normal.Lower > 1.1 {
				t.Errorf("interval %.0f to %.0f around %.0f", r.Normal.Lower, r.Normal.Upper, r.Normal.Value)
			}
		})
	}
}

func TestTooFewBlocks(t *testing.T) {
	t.Parallel()
	if r, ok := read([][]Block{moving(half(enoughBlocks-1), 1, 1)}); ok {
		t.Errorf("%+v from %d blocks", r, enoughBlocks-1)
	}
}

// A block counts if nothing disturbed the two turns of both.
func TestBlocks(t *testing.T) {
	t.Parallel()
	turns := func(clean ...bool) (turned lab.Turned) {
		for i, c := range clean {
			turned.Turns = append(turned.Turns, lab.Turn{Clean: c, Sending: time.Second, Received: uint64(100 * (i + 1))})
		}
		return turned
	}
	got := blocksOf(turns(true, true, true, false, true, true, true), turns(true, true, true, true, true, true))
	if diff := cmp.Diff([]Block{{150, 150}, {550, 550}}, got); diff != "" {
		t.Errorf("blocks (-want +got):\n%s", diff)
	}
}
