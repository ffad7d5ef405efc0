package guest

import (
	"cmp"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/loadgen/signature"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

const (
	batchFrames = 32
	warmUp      = 100         // batches before the measured ones: after some fifty the kernel takes a shorter way
	patience    = 200_000_000 // instructions after which a missing frame is lost
	mostLost    = 0.05        // share of the batches that may lose a frame
)

// loop sends batches of frames from port 0 to port 1.
type loop struct {
	stream  loadgen.Stream
	ports   [2]*sys.PacketSocket
	frames  [][]byte // of a batch; the signature's trial is the number in the batch
	payload int      // offset of the signature
}

func (l *loop) close() error {
	var errs []error
	for _, s := range l.ports {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	return errors.Join(errs...)
}

// frame makes the frames of a batch.
func (l *loop) frame(size rfc2544.FrameSize) error {
	l.frames, l.payload = nil, l.stream.Layout().Payload
	for i := range batchFrames {
		f, err := l.stream.Template(size.OnVeth(), 0, i)
		if err != nil {
			return err
		}
		l.frames = append(l.frames, f)
	}
	return nil
}

// reach sends a frame now and then until one comes through, within a time limit. It sleeps meanwhile, which takes no time
// of the host.
func (l *loop) reach(limit time.Duration, alive func() error) error {
	const look, looks = 5 * time.Millisecond, 20
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); {
		if _, err := l.ports[0].Send(l.frames[:1]); err != nil {
			return err
		}
		for range looks {
			time.Sleep(look)
			if _, ok := l.take(); ok {
				return nil
			}
		}
		if err := alive(); err != nil {
			return err
		}
	}
	return fmt.Errorf("no frame came through within %v of its start", limit)
}

// sample is the cost of a batch in instructions: all of it, and the parts in the processes of left
// and right.
type sample struct {
	all   int64
	parts [2]int64
}

// measure returns the cost at the lower quartile of the batches. Timer ticks, garbage collections
// and late frames, which only few batches meet, do not count there. processes are those of left and
// right.
func (l *loop) measure(batches int, processes [2][]int) (*result.Cost, error) {
	samples := make([]sample, 0, batches)
	lost, all := 0, warmUp+batches
	for i := range all {
		s, err := l.sample(processes)
		switch {
		case errors.Is(err, errLost):
			if lost++; float64(lost) > mostLost*float64(all) {
				return nil, fmt.Errorf("%d batches of %d %w", lost, i+1, err)
			}
		case err != nil:
			return nil, err
		case i >= warmUp:
			samples = append(samples, s)
		}
	}
	if len(samples) == 0 {
		return nil, errLost
	}
	slices.SortFunc(samples, func(a, b sample) int { return cmp.Compare(a.all, b.all) })
	s := samples[len(samples)/4]
	cost := &result.Cost{Instructions: float64(s.all) / batchFrames, Batches: len(samples), Lost: batches - len(samples)}
	for i, part := range []**float64{&cost.Left, &cost.Right} {
		if len(processes[i]) > 0 {
			v := float64(s.parts[i]) / batchFrames
			*part = &v
		}
	}
	return cost, nil
}

func (l *loop) sample(processes [2][]int) (s sample, err error) {
	before := used(processes)
	s.all, err = l.batch()
	after := used(processes)
	for i := range s.parts {
		s.parts[i] = after[i] - before[i]
	}
	return s, err
}

// used returns the CPU time of the processes of each side, which is their instructions. A process
// that has ended uses none.
func used(processes [2][]int) (sums [2]int64) {
	for i, side := range processes {
		for _, pid := range side {
			if t, err := sys.ProcessCPU(pid); err == nil {
				sums[i] += int64(t)
			}
		}
	}
	return sums
}

var errLost = errors.New("lost frames")

// batch sends a batch and returns what it cost when all frames are back.
func (l *loop) batch() (int64, error) {
	for { // late frames of a batch that had lost some
		if _, ok := l.ports[1].Next(); !ok {
			break
		}
		l.ports[1].Release()
	}
	if err := sys.RunFirst(); err != nil {
		return 0, err
	}
	begin := sys.Monotonic()
	for rest := l.frames; len(rest) > 0; {
		n, err := l.ports[0].Send(rest)
		switch {
		case err != nil:
			return 0, err
		case sys.Monotonic()-begin > patience:
			return 0, errors.New("the port takes no frames")
		}
		rest = rest[n:]
	}
	if err := sys.RunLast(); err != nil {
		return 0, err
	}
	return l.collect(begin)
}

// collect takes the frames of a batch from port 1.
func (l *loop) collect(begin uint64) (int64, error) {
	for seen := uint32(0); bits.OnesCount32(seen) < batchFrames; {
		number, ok := l.take()
		switch {
		case ok:
			seen |= 1 << number
		case sys.Monotonic()-begin > patience:
			return 0, errLost
		default:
			sys.Yield()
		}
	}
	return int64(sys.Monotonic() - begin), nil
}

// take takes a frame of a batch from port 1 and returns its number. ok is false if none waits.
func (l *loop) take() (number uint16, ok bool) {
	for {
		p, waits := l.ports[1].Next()
		if !waits {
			return 0, false
		}
		number, ok = l.number(p.Data)
		l.ports[1].Release()
		if ok {
			return number, true
		}
	}
}

// number returns the number of a frame in its batch. ok is false for the frames of others.
func (l *loop) number(frame []byte) (number uint16, ok bool) {
	if len(frame) <= l.payload {
		return 0, false
	}
	s, err := signature.Parse(frame[l.payload:])
	return s.Trial, err == nil && s.Trial < batchFrames
}
