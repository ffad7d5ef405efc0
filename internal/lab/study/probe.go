package main

import (
	"math/rand/v2"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/stats"
	"github.com/tunnelbench/tunnelbench/internal/sys"
)

// probe is a fixed piece of work that is done again and again on a core of the device.
type probe struct {
	name   string
	work   func()
	beside func() // what the tester's core does again and again meanwhile; nil: nothing
}

// probes are pieces of work of some ten to some hundred microseconds.
func probes() []probe {
	m, h := newLines(), &handover{}
	return []probe{
		{"arithmetic", func() { runtime.KeepAlive(wide()) }, nil},
		{"arithmetic on both", func() { runtime.KeepAlive(wide()) }, func() { runtime.KeepAlive(wide()) }},
		{"memory", m.touch, nil},
		{"handover", h.there, h.andBack},
	}
}

// Times of a reading: the first part only fills the caches and wakes the core up.
const (
	warming = time.Millisecond
	reading = 5 * time.Millisecond
)

// speeds does each probe on a core of the device and returns how often a second it can be done there.
func speeds(device, tester int, all []probe) (moment, error) {
	m := moment{}
	err := onCore(device, func() error {
		for _, p := range all {
			stop, err := p.start(tester)
			if err != nil {
				return err
			}
			m[p.name] = p.speed()
			stop()
		}
		return nil
	})
	return m, err
}

// onCore calls f in a thread on one core.
func onCore(cpu int, f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with the function
		err := sys.SetAffinity(0, []int{cpu})
		if err == nil {
			err = f()
		}
		done <- err
	}()
	return <-done
}

// start starts on the tester's core what the probe has beside it, and returns when that runs.
func (p probe) start(cpu int) (stop func(), err error) {
	if p.beside == nil {
		return func() {}, nil
	}
	var over atomic.Bool
	running, ended := make(chan error, 2), make(chan struct{})
	go func() {
		defer close(ended)
		running <- onCore(cpu, func() error {
			running <- nil
			for !over.Load() {
				p.beside()
			}
			return nil
		})
	}()
	return func() { over.Store(true); <-ended }, <-running
}

// speed is the reciprocal of the median time that the work takes: an interrupt meanwhile counts for
// nothing.
func (p probe) speed() float64 {
	for start := time.Now(); time.Since(start) < warming; {
		p.work()
	}
	var took []time.Duration
	start := time.Now()
	for last := time.Duration(0); last < reading; {
		p.work()
		now := time.Since(start)
		took = append(took, now-last)
		last = now
	}
	return 1 / time.Duration(stats.Median(took)).Seconds()
}

// wide does arithmetic in six chains that do not wait for each other, so that it wants the whole
// width of a core.
func wide() uint64 {
	const rounds = 2000
	a, b, c, d, e, f := uint64(1), uint64(2), uint64(3), uint64(4), uint64(5), uint64(6)
	for range rounds {
		a ^= a << 13
		b ^= b << 13
		c ^= c << 13
		d ^= d << 13
		e ^= e << 13
		f ^= f << 13
		a += a >> 7
		b += b >> 7
		c += c >> 7
		d += d >> 7
		e += e >> 7
		f += f >> 7
	}
	return a ^ b ^ c ^ d ^ e ^ f
}

// Packet buffers: each has linesOfBuffer lines of 64 octets.
const (
	buffers       = 256
	linesOfBuffer = 64
)

// lines is memory as packet work has it: more than the cache of a core holds, line by line in an
// order that nothing foresees.
type lines struct {
	memory [buffers * linesOfBuffer][8]uint64
	order  []uint32
}

func newLines() *lines {
	m := &lines{}
	for _, i := range rand.New(rand.NewPCG(1, 1)).Perm(len(m.memory)) {
		m.order = append(m.order, uint32(i))
	}
	return m
}

// touch reads and writes each line once.
func (m *lines) touch() {
	for _, i := range m.order {
		m.memory[i][0]++
	}
}

// handover is a counter that the device's core counts up and the tester's core gives back, each in
// a line of its own, as frames go from core to core.
type handover struct {
	sent atomic.Uint64
	_    [56]byte
	back atomic.Uint64
	_    [56]byte
}

// there hands over and waits until it is back, a hundred times.
func (h *handover) there() {
	for range 100 {
		for n := h.sent.Add(1); h.back.Load() != n; {
		}
	}
}

// andBack gives back what has come.
func (h *handover) andBack() { h.back.Store(h.sent.Load()) }
