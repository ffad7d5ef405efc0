package neighbour

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/netns"
)

func TestParse(t *testing.T) {
	t.Parallel()
	const end = ",burst=2ms-50ms,memory=on,seed=1,for=1h0m0s"
	for _, c := range []struct{ name, spec, want, err string }{
		{"defaults", "neighbour", "neighbour:cpus=0-3,share=20%" + end, ""},
		{"cores", "neighbour:cpus=1,share=12.5%", "neighbour:cpus=1,share=12.5%" + end, ""},
		{"several cores", "neighbour:cpus=3+0-1", "neighbour:cpus=0-1+3,share=20%" + end, ""},
		{"all", "neighbour:cpus=0,share=100%,burst=1ms,memory=3,stall=5ms,seed=7,for=2m", "neighbour:cpus=0,share=100%,burst=1ms-1ms,memory=3,stall=5ms,seed=7,for=2m0s", ""},
		{"memory off", "neighbour:memory=off", "neighbour:cpus=0-3,share=20%,burst=2ms-50ms,memory=off,seed=1,for=1h0m0s", ""},
		{"another word", "storm", "", `"storm": write neighbour, or neighbour:share=20%,burst=2ms-50ms`},
		{"nothing after the colon", "neighbour:", "", "write key=value"},
		{"unknown key", "neighbour:chare=1%", "", `unknown key "chare", did you mean share`},
		{"no such core", "neighbour:cpus=0-4", "", "neighbour: cpus=0-4: cpu 4 is not allowed here: choose from 0-3"},
		{"no core", "neighbour:cpus=a", "", "cpus=a: write a core, a range or several such as 0-1+4"},
		{"no such core for memory", "neighbour:memory=9", "", "memory=9: cpu 9 is not allowed here"},
		{"no memory", "neighbour:memory=yes", "", "memory=yes: write on, off or a core"},
		{"no share", "neighbour:share=0.2", "", "share=0.2: write a share from 0.1% to 100%"},
		{"no time left", "neighbour:share=0%", "", "share=0%: write a share"},
		{"too much", "neighbour:share=101%", "", "share=101%: write a share"},
		{"long burst", "neighbour:burst=2ms-50s", "", "burst=50s: write a time from 100µs to 1s"},
		{"reversed burst", "neighbour:burst=50ms-2ms", "", "burst=50ms-2ms: write the shorter length first"},
		{"long stall", "neighbour:stall=1s", "", "stall=1s: write a time from 1ms to 100ms"},
		{"no seed", "neighbour:seed=-1", "", "seed=-1: write a whole number"},
		{"no limit", "neighbour:for=0s", "", "for=0s: write a time from 10ms to 24h0m0s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p, err := Parse(c.spec, []int{0, 1, 2, 3})
			if err != nil {
				if c.err == "" || !strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "\n") {
					t.Errorf("error %q, want %q in one line", err, c.err)
				}
				return
			}
			if diff := cmp.Diff(c.want, p.String()); diff != "" {
				t.Errorf("specification (-want +got):\n%s", diff)
			}
			again, err := Parse(p.String(), []int{0, 1, 2, 3})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(p, again, cmp.AllowUnexported(Plan{})); diff != "" {
				t.Errorf("read again (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTasks(t *testing.T) {
	t.Parallel()
	range2to50 := lengths{2 * time.Millisecond, 50 * time.Millisecond}
	share := func(cpu int, works ...string) task {
		return task{CPU: cpu, Works: works, Share: 0.2, Burst: range2to50, Limit: time.Hour}
	}
	burner := func(cpu int) task {
		return task{CPU: cpu, Works: []string{memory}, Share: 1, Burst: range2to50, Limit: time.Hour}
	}
	twins := map[int][]int{0: {0, 1}, 1: {0, 1}, 2: {2, 3}, 3: {2, 3}}
	for _, c := range []struct {
		name, spec string
		device     []int
		siblings   map[int][]int
		want       []task
	}{
		{"no siblings", "neighbour:cpus=0-1", []int{1}, nil, []task{share(0, arithmetic, memory), share(1, arithmetic, memory)}},
		{"a free sibling", "neighbour:cpus=2", []int{2}, twins, []task{share(2, arithmetic), burner(3)}},
		{"the sibling is the tester's", "neighbour:cpus=1", []int{1}, twins, []task{share(1, arithmetic, memory)}},
		{"the sibling is the device's", "neighbour:cpus=2", []int{2, 3}, twins, []task{share(2, arithmetic, memory)}},
		{"the sibling is not allowed", "neighbour:cpus=3", []int{3}, map[int][]int{3: {3, 9}}, []task{share(3, arithmetic, memory)}},
		{"memory off", "neighbour:cpus=2,memory=off", []int{2}, twins, []task{share(2, arithmetic)}},
		{"a core for memory", "neighbour:cpus=2,memory=0", []int{2}, twins, []task{share(2, arithmetic), burner(0)}},
		{"stalls", "neighbour:cpus=2,memory=off,stall=5ms", []int{2}, nil, []task{
			share(2, arithmetic),
			{CPU: 2, Works: []string{stalling}, Share: 0.005, Burst: lengths{5 * time.Millisecond, 5 * time.Millisecond}, Limit: time.Hour},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p, err := Parse(c.spec, []int{0, 1, 2, 3})
			if err != nil {
				t.Fatal(err)
			}
			got := p.tasks(netns.CPUPlan{Tester: []int{0}, DUT: c.device}, c.siblings)
			seeds := map[uint64]bool{}
			for i := range got {
				seeds[got[i].Seed] = true
				got[i].Seed = 0
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("tasks (-want +got):\n%s", diff)
			}
			if len(seeds) != len(got) {
				t.Errorf("%d tasks have %d seeds", len(got), len(seeds))
			}
		})
	}
}

// TestBursts runs tasks on virtual time: their share and their lengths are those asked for.
func TestBursts(t *testing.T) {
	t.Parallel()
	const virtual = 10 * time.Minute
	for _, c := range []struct {
		name  string
		share float64
		burst lengths
	}{
		{"as by default", 0.2, lengths{2 * time.Millisecond, 50 * time.Millisecond}},
		{"one length", 0.5, lengths{time.Millisecond, time.Millisecond}},
		{"rare", 0.01, lengths{time.Millisecond, 10 * time.Millisecond}},
		{"without rest", 1, lengths{5 * time.Millisecond, 50 * time.Millisecond}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			task := task{Works: []string{arithmetic, memory}, Share: c.share, Burst: c.burst, Seed: 7}
			var at, used, shortest, longest time.Duration
			n, works := 0, map[string]int{}
			for b := range task.bursts() {
				if b.length < c.burst.Shortest || b.length > c.burst.Longest || b.gap < 0 {
					t.Fatalf("burst %+v is outside %v", b, c.burst)
				}
				if n++; n == 1 {
					shortest = b.length
				}
				shortest, longest = min(shortest, b.length), max(longest, b.length)
				works[b.work]++
				at, used = at+b.gap+b.length, used+b.length
				if at > virtual {
					break
				}
			}
			if got := float64(used) / float64(at); got < 0.95*c.share || got > 1.05*c.share {
				t.Errorf("share %.4f, want %.4f", got, c.share)
			}
			edge := (c.burst.Longest - c.burst.Shortest) / 20
			if shortest > c.burst.Shortest+edge || longest < c.burst.Longest-edge {
				t.Errorf("lengths from %v to %v, want the whole of %v", shortest, longest, c.burst)
			}
			if d := works[arithmetic] - works[memory]; d < 0 || d > 1 {
				t.Errorf("works %v, want them in turn", works)
			}
		})
	}
}

func TestBurstsFollowFromTheSeed(t *testing.T) {
	t.Parallel()
	first := func(seed uint64) (all []burst) {
		for b := range (task{Works: []string{arithmetic}, Share: 0.2, Burst: lengths{1, 1000}, Seed: seed}).bursts() {
			if all = append(all, b); len(all) == 20 {
				break
			}
		}
		return all
	}
	opts := cmp.AllowUnexported(burst{})
	if diff := cmp.Diff(first(7), first(7), opts); diff != "" {
		t.Errorf("the same seed again (-first +second):\n%s", diff)
	}
	if cmp.Equal(first(7), first(8), opts) {
		t.Error("another seed gives the same bursts")
	}
}
