package recipes_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/labtest"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// pair is what stands on the left and on the right: variants of the recipe lang, or devices of the reference tunnel.
type pair struct{ left, right string }

func (p pair) device() string { return "mixed:left=" + endOf(p.left) + ",right=" + endOf(p.right) }

func endOf(name string) string {
	if strings.HasPrefix(name, "reference") {
		return name
	}
	return "recipe:lang/" + name
}

const referenceEnd = "reference-tun"

// pairs returns pairs in which each of the ends is once, or all pairs of two of them.
func pairs(ends []string, all bool) (list []pair) {
	for i, left := range ends {
		for j, right := range ends {
			if all || i%2 == 0 && j == (i+1)%len(ends) {
				list = append(list, pair{left, right})
			}
		}
	}
	return list
}

// Traffic passes both ways between any two of the language set and the reference tunnel, and none of it is damaged.
// TB_PAIRS=all tries all pairs, and -v prints a table.
func TestLanguagePairs(t *testing.T) {
	testenv.NetAdmin(t)
	ends := []string{referenceEnd}
	for _, l := range languages {
		if err := l.build(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
			t.Fatal(err)
		} else if err != nil {
			t.Logf("LEFT OUT: %v", err)
			continue
		}
		if ends = append(ends, l.name); l.name != "node" {
			ends = append(ends, l.name+"-batched")
		}
	}
	t.Setenv("PATH", programs+":"+os.Getenv("PATH"))
	l := labtest.Open(t, lab.Settings{Direction: rfc2544.Both})
	list := pairs(ends, os.Getenv("TB_PAIRS") == "all")
	carried := map[pair]string{}
	for _, p := range list {
		carried[p] = carry(t, l, p)
	}
	t.Log("\n" + table(ends, carried))
}

// carry sends frames of three sizes through a pair and returns what arrived, of what was sent, and what was damaged.
func carry(t *testing.T, l *labtest.Opened, p pair) string {
	t.Helper()
	b, err := l.Setup(context.Background(), labtest.Devices(t, p.device())[0], l.Settings, 1518)
	if err != nil {
		t.Error(err)
		return "-"
	}
	var sum rfc2544.Counts
	for _, size := range []rfc2544.FrameSize{64, 512, 1518} {
		o, err := b.Measure(t.Context(), rfc2544.Trial{Size: size, Load: 1000, Duration: 100 * time.Millisecond})
		if err != nil || o.Corrupted > 0 || len(o.Directions) != 2 {
			t.Errorf("%s, %d bytes: %+v, %v", p.device(), size, o, err)
			continue
		}
		for _, d := range o.Directions {
			if 2*(d.Received+d.Late) < d.Offered || d.Offered == 0 { // a machine that runs tests is busy
				t.Errorf("%s, %d bytes, %s: %d of %d arrived", p.device(), size, d.Direction, d.Received+d.Late, d.Offered)
			}
			sum.Add(d.Counts)
		}
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	return fmt.Sprintf("%d/%d, %d", sum.Received+sum.Late, sum.Offered, sum.Corrupted)
}

// table returns a line for each left end with a column for each right end.
func table(ends []string, carried map[pair]string) string {
	var text strings.Builder
	row := func(cells []string) { fmt.Fprintf(&text, "| %s |\n", strings.Join(cells, " | ")) }
	row(append([]string{"left \\ right"}, ends...))
	row(slices.Repeat([]string{"---"}, len(ends)+1))
	for _, left := range ends {
		cells := []string{left}
		for _, right := range ends {
			cells = append(cells, carried[pair{left, right}])
		}
		row(cells)
	}
	return text.String()
}
