package stacks

import (
	"errors"
	"fmt"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/closers"
	"github.com/tunnelbench/tunnelbench/internal/sys"
)

// octets of a sample that a recorder has room for, on the average: about 60 frames.
const octets = 512

// Recorder samples the stacks of some cores.
type Recorder struct {
	kernel   table
	samplers []*sys.StackSampler
	closers  closers.Stack
}

// Open prepares to sample the stacks of cores for at most that time. It needs Linux 6.0, and root.
func Open(cpus []int, longest time.Duration) (*Recorder, error) {
	kernel, err := runningKernel()
	if err != nil {
		return nil, fmt.Errorf("%w: names of the kernel's functions: %w", errors.ErrUnsupported, err)
	}
	r := &Recorder{kernel: kernel}
	for _, cpu := range cpus {
		s, err := sys.OpenStackSampler(cpu, time.Second/Rate, int(Rate*octets*(longest.Seconds()+1)))
		if err != nil {
			return nil, errors.Join(fmt.Errorf("%w: %w", errors.ErrUnsupported, err), r.Close())
		}
		r.closers.Push(s.Close)
		r.samplers = append(r.samplers, s)
	}
	return r, nil
}

// Start begins.
func (r *Recorder) Start() error { return r.each((*sys.StackSampler).Enable) }

// Stop ends it.
func (r *Recorder) Stop() error { return r.each((*sys.StackSampler).Disable) }

func (r *Recorder) each(do func(*sys.StackSampler) error) (err error) {
	for _, s := range r.samplers {
		err = errors.Join(err, do(s))
	}
	return err
}

// Profile folds what was sampled. Sides are the device's processes, by their numbers, with the side of each; they must still run, or their
// functions have no names.
func (r *Recorder) Profile(sides map[int]string) (Profile, error) {
	p := Profile{Counts: map[string]int{}}
	named := newResolver(r.kernel, sides).names()
	for _, s := range r.samplers {
		lost, err := s.Lost()
		if err != nil {
			return p, err
		}
		p.Lost += int(lost)
		for one, err := range samplesOf(s.Records()) {
			if err != nil {
				return p, err
			}
			p.add(one, named)
		}
	}
	return p, nil
}

// Close takes the samplers away.
func (r *Recorder) Close() error { return r.closers.Close() }
