package neighbour

import (
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/reexec"
	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/netns"
)

func TestMain(m *testing.M) {
	reexec.Main()
	os.Exit(m.Run())
}

func start(t *testing.T, spec string) *Neighbour {
	t.Helper()
	testenv.NetAdmin(t)
	allowed, err := sys.Affinity()
	if err != nil {
		t.Fatal(err)
	}
	p, err := Parse(spec, allowed)
	if err != nil {
		t.Fatal(err)
	}
	n, err := p.Start(netns.CPUPlan{Tester: allowed[:1], DUT: allowed})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// cpuTimes returns the CPU time of each process.
func (n *Neighbour) cpuTimes(t *testing.T) (all []time.Duration) {
	t.Helper()
	for _, w := range n.workers {
		d, err := sys.ProcessCPU(w.cmd.Process.Pid)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, d)
	}
	return all
}

// TestNeighbourTakesItsShare measures the CPU time of a neighbour on every core. The limits are
// wide, since others may use the cores as well.
func TestNeighbourTakesItsShare(t *testing.T) {
	const least, most = 0.08, 0.35
	n := start(t, "neighbour:share=20%,burst=2ms-20ms,seed=7")
	began, before := time.Now(), n.cpuTimes(t)
	time.Sleep(2 * time.Second)
	after, took := n.cpuTimes(t), time.Since(began)
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	for i, w := range n.workers {
		share := float64(after[i]-before[i]) / float64(took)
		t.Logf("cpu %d: %v, %.1f %%", w.task.CPU, w.task.Works, 100*share)
		if share < least || share > most {
			t.Errorf("cpu %d: it used %.1f %%, want %.0f to %.0f", w.task.CPU, 100*share, 100*least, 100*most)
		}
	}
	if len(n.workers) == 0 {
		t.Error("no core was disturbed")
	}
}

// TestNeighbourHoldsCores sees the stalls as a thread of the same core does: as time that passed
// between two readings of the clock. A core that was taken away for longer counts as well.
func TestNeighbourHoldsCores(t *testing.T) {
	const length = 30 * time.Millisecond
	n := start(t, "neighbour:share=0.1%,burst=100us,memory=off,stall=30ms")
	seen := longestStep(length, 10*time.Second)
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	if seen < length*9/10 {
		t.Errorf("the longest step of the clock in 10 s was %v, want %v", seen, length)
	}
}

// longestStep reads the clock until a step is about as long as want, or the time is over.
func longestStep(want, limit time.Duration) (longest time.Duration) {
	start := time.Now()
	for last := time.Duration(0); last < limit && longest < want*9/10; {
		now := time.Since(start)
		longest = max(longest, now-last)
		last = now
	}
	return longest
}

// TestNeighbourThatEndedEarly checks that nobody takes what was measured after its end for
// disturbed.
func TestNeighbourThatEndedEarly(t *testing.T) {
	n := start(t, "neighbour:for=10ms")
	for _, w := range n.workers {
		if _, err := io.Copy(io.Discard, w.stdout); err != nil {
			t.Error(err)
		}
	}
	if err := n.Close(); err == nil || !strings.Contains(err.Error(), "ended before the lab did: exit status 1: its time is up") {
		t.Errorf("error %v, want one that says that it ended early", err)
	}
}
