package trace

import (
	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/trace/bpf"
	"github.com/tunnelbench/tunnelbench/reports/waterfall"
)

// watchSides watches the device's processes.
func watchSides(t *tracer, s *lab.Setup) error {
	for _, node := range s.Net().Topology.Nodes {
		pids, err := s.Session().PIDs(node)
		if err != nil {
			return err
		}
		if len(pids) == 0 {
			continue
		}
		if err := t.watch(node, pids); err != nil {
			return err
		}
		for i := range t.points {
			t.points[i].process = t.points[i].process || t.points[i].Node == node
		}
	}
	return nil
}

// threads adds what the device's threads did.
func threads(t *tracer, out *Traced) error {
	frames := 0.0
	for _, s := range out.Streams {
		frames += float64(s.Received)
	}
	for i, node := range t.sides {
		side, err := t.side(i)
		if err != nil {
			return err
		}
		out.Threads = append(out.Threads, threadsOf(node, side, frames))
	}
	return nil
}

func threadsOf(node string, s bpf.TraceSide, frames float64) waterfall.Threads {
	t := waterfall.Threads{Node: node, Wakeups: s.Wakeups, Preempted: s.Preempted, Wait50: quantile(s.Waits[:], 0.5), Wait99: quantile(s.Waits[:], 0.99)}
	if frames > 0 {
		t.RunNs = float64(s.Ran) / frames
	}
	return t
}

// quantile returns a quantile of a histogram of trace.c, in ns: the upper end of its bucket. Each octave has sub buckets;
// values below two octaves have their own.
func quantile(counts []uint64, share float64) int64 {
	const sub = 16
	var all, below uint64
	for _, n := range counts {
		all += n
	}
	for i, n := range counts {
		below += n
		if n == 0 || float64(below) < share*float64(all) {
			continue
		}
		if i < 2*sub {
			return int64(i)
		}
		return int64(i%sub+sub+1)<<(i/sub-1) - 1
	}
	return 0
}
