package xdp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"syscall"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/loadgen/bpf"
)

// maxSlices is the number of slices that the kernel's half keeps: SLICES in bpf/tester.h. Of a
// longer trial the last one has the rest.
const maxSlices = 16384

// maxCores is the number of cores that are watched for other programs: CORES in bpf/tester.h.
const maxCores = 64

// cores returns the cores that are watched, the tester's first.
func (x *Engine) cores() []int {
	all := append([]int{x.cfg.Tester}, x.cfg.DUT...)
	return all[:min(len(all), maxCores)]
}

// watchPrograms starts to watch the cores for programs that are neither the lab's nor the device's.
func (x *Engine) watchPrograms() error {
	o := &x.objects
	var index [1024]uint8
	for i, cpu := range x.cores() {
		if cpu < len(index) {
			index[cpu] = uint8(i + 1)
		}
	}
	if err := o.CoreIndex.Set(index); err != nil {
		return fmt.Errorf("watch the cores: %w", err)
	}
	if err := x.putOwn(); err != nil {
		return fmt.Errorf("watch the cores: %w", err)
	}
	for _, p := range []*ebpf.Program{o.Switched, o.SoftirqBegins, o.SoftirqEnds} {
		l, err := link.AttachTracing(link.TracingOptions{Program: p})
		if err != nil {
			return fmt.Errorf("%w: watch the cores for other programs: %w", errors.ErrUnsupported, err)
		}
		x.closers.Push(l.Close)
	}
	return nil
}

// putOwn tells the kernel's half which programs are the lab's and the device's. The lab's processes
// are numbered by its own PID namespace (pid_namespaces(7)), which is not the first one in a container.
func (x *Engine) putOwn() error {
	o := &x.objects
	var pids syscall.Stat_t
	if err := syscall.Stat("/proc/self/ns/pid", &pids); err != nil {
		return fmt.Errorf("find the PID namespace: %w", err)
	}
	if err := o.OwnPids.Set(uint32(pids.Ino)); err != nil {
		return err
	}
	for _, pid := range x.cfg.OwnProcesses {
		if err := o.OwnProcesses.Put(uint32(pid), uint32(1)); err != nil {
			return err
		}
	}
	for _, network := range x.cfg.OwnNetworks {
		if err := o.OwnNetworks.Put(network, uint32(1)); err != nil {
			return err
		}
	}
	return nil
}

// sliceMap is a map of rows of slices; size is a record's, in bytes.
type sliceMap struct {
	of         *ebpf.Map
	rows, size int
}

// sliceMaps are the maps with a record per slice, and how many rows of slices each has.
func (x *Engine) sliceMaps() []sliceMap {
	return []sliceMap{
		{x.objects.SlicesSent, 1, int(unsafe.Sizeof(bpf.TesterSliceSent{}))},
		{x.objects.SlicesReceived, 2 * x.lanes(), int(unsafe.Sizeof(bpf.TesterSliceReceived{}))},
		{x.objects.SlicesForeign, len(x.cores()), 8},
	}
}

// clearSlices empties the slices that the last trial used.
func (x *Engine) clearSlices() error {
	for _, m := range x.sliceMaps() {
		memory, err := m.of.Memory()
		if err != nil {
			return err
		}
		zero := make([]byte, x.usedSlices*m.size)
		for row := range m.rows {
			if _, err := memory.WriteAt(zero, int64(row)*maxSlices*int64(m.size)); err != nil {
				return fmt.Errorf("clear the slices: %w", err)
			}
		}
	}
	return nil
}

// readSlices reads n records of a row.
func readSlices[T any](m *ebpf.Map, row, n int) ([]T, error) {
	memory, err := m.Memory()
	if err != nil {
		return nil, err
	}
	var one T
	size := int(unsafe.Sizeof(one))
	raw := make([]byte, n*size)
	if _, err := memory.ReadAt(raw, int64(row)*maxSlices*int64(size)); err != nil {
		return nil, fmt.Errorf("read the slices: %w", err)
	}
	out := make([]T, n)
	return out, binary.Read(bytes.NewReader(raw), binary.NativeEndian, out)
}

// addSlices adds the slices of a lane to its ledger.
func (x *Engine) addSlices(l *loadgen.Ledger, p loadgen.Plan, c *counted, turns loadgen.Turns) error {
	n := min(int(c.state.Slice)+1, maxSlices)
	x.usedSlices = max(x.usedSlices, n)
	sent, err := readSlices[bpf.TesterSliceSent](x.objects.SlicesSent, 0, n)
	if err != nil {
		return err
	}
	l.Begin, l.Slices = c.state.Start, make([]loadgen.Slice, n)
	for i, s := range sent {
		if s.Turn == 0 || int(s.Lane) != p.Lane {
			continue
		}
		l.Slices[i] = loadgen.Slice{
			Turn: int(s.Turn), Sending: sendingTime(sent, i, turns, c), Sent: uint64(s.N[0]) + uint64(s.N[1]), Work: time.Duration(s.Work),
		}
	}
	for i := range p.Streams {
		received, err := readSlices[bpf.TesterSliceReceived](x.objects.SlicesReceived, p.First()+i, n)
		if err != nil {
			return err
		}
		for k, r := range received {
			l.Slices[k].Received += uint64(r.Received)
			l.Slices[k].Late += uint64(r.Late)
			l.Slices[k].Latency += time.Duration(r.Latency)
		}
	}
	return nil
}

// sendingTime returns in how much of slice i frames may be sent: the last slice of a turn ends with
// its quiet time, slices beyond the turn's length only wait, and the last slice of the trial ends
// when the last frame was due.
func sendingTime(sent []bpf.TesterSliceSent, i int, turns loadgen.Turns, c *counted) time.Duration {
	if turns.Slices == 0 {
		end := c.state.Done
		if end == 0 {
			end = c.state.LastPoll
		}
		left := time.Duration(end-c.state.Start) - time.Duration(i)*loadgen.SliceTime
		if i == maxSlices-1 { // it has the rest
			return max(0, left)
		}
		return max(0, min(loadgen.SliceTime, left))
	}
	place := 1
	for k := i - 1; k >= 0 && sent[k].Turn == sent[i].Turn; k-- {
		place++
	}
	switch {
	case place < turns.Slices:
		return loadgen.SliceTime
	case place == turns.Slices:
		return loadgen.SliceTime - turns.Quiet
	}
	return 0
}

// addOthers adds the time of other programs on each core.
func (x *Engine) addOthers(l *loadgen.Ledger) error {
	var states [maxCores]bpf.TesterCoreState
	if err := x.objects.Cores.Get(&states); err != nil {
		return errors.Join(errors.New("read the cores"), err)
	}
	l.Others, l.Programs = map[int][]time.Duration{}, map[int]string{}
	for i, cpu := range x.cores() {
		slices, err := readSlices[uint64](x.objects.SlicesForeign, i, len(l.Slices))
		if err != nil {
			return err
		}
		took := make([]time.Duration, len(slices))
		for k, ns := range slices {
			took[k] = time.Duration(ns)
		}
		comm, _, _ := bytes.Cut(states[i].Comm[:], []byte{0})
		l.Others[cpu], l.Programs[cpu] = took, string(comm)
	}
	return nil
}
