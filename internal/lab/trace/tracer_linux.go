package trace

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"

	"github.com/tunnelbench/tunnelbench/internal/closers"
	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/trace/bpf"
	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/counters"
	"github.com/tunnelbench/tunnelbench/reports/waterfall"
)

// tracer is the in-kernel half: programs at each interface and at four tracepoints of the kernel. They are
// held by descriptors: nothing stays attached when the process ends, in whatever way.
type tracer struct {
	shared  *ebpf.Collection // the maps, and the programs at tracepoints
	points  []place
	reasons map[uint32]string
	room    int
	snaps   bool
	missing []string // tracepoints that the kernel has not, of those that are wanted
	sides   []string // nodes whose threads are watched
	pids    [][]int  // the processes of each side
	ended   uint64   // when disarm was called, CLOCK_MONOTONIC in ns
	closers closers.Stack
}

// newTracer attaches the programs to every interface of the network. The error wraps errors.ErrUnsupported if the
// kernel cannot do it.
func newTracer(n *netns.Net, tester chainer, o options) (*tracer, error) {
	t := &tracer{room: o.room, snaps: o.snaps}
	err := t.open(n, o)
	if err == nil {
		err = tester.Chain(t.shared.Programs[bpf.TraceProgArrived])
	}
	if err != nil {
		return nil, errors.Join(err, t.Close())
	}
	t.closers.Push(func() error { return tester.Chain(nil) })
	return t, nil
}

func (t *tracer) open(n *netns.Net, o options) (err error) {
	if t.points, err = findPlaces(n); err != nil {
		return err
	}
	if t.reasons, err = counters.DropReasons(); err != nil {
		return fmt.Errorf("%w: drop reasons: %w", errors.ErrUnsupported, err)
	}
	spec, err := bpf.LoadTrace()
	if err != nil {
		return err
	}
	if err := t.set(spec, o); err != nil {
		return err
	}
	if err := t.load(spec, o); err != nil {
		return fmt.Errorf("%w: load the programs that trace (needs Linux 6.6 with BPF and BTF, and root): %w", errors.ErrUnsupported, err)
	}
	for i, p := range t.points {
		if p.Kind == waterfall.Taken {
			continue
		}
		if err := t.attach(spec, n.NS(p.Node), i); err != nil {
			return fmt.Errorf("trace at %s: %w", p.Point, err)
		}
	}
	return nil
}

// set writes the constants that all programs share.
func (t *tracer) set(spec *ebpf.CollectionSpec, o options) error {
	offset, snap := uint32(14+20+8), uint32(0)
	if o.ipv6 {
		offset += 20
	}
	spec.Maps[bpf.TraceMapEvents].MaxEntries = uint32(o.room)
	if o.snaps {
		snap = 1
		spec.Maps[bpf.TraceMapSnaps].MaxEntries = uint32(o.room)
	}
	var ports [2]uint32
	var numbers [2]uint16
	for i, p := range t.points {
		if p.Kind == waterfall.Taken {
			which := 0
			if p.Interface == netns.Port1 {
				which = 1
			}
			ports[which], numbers[which] = uint32(p.index), uint16(i)
		}
	}
	v := spec.Variables
	return errors.Join(
		v[bpf.TraceVarRoom].Set(uint32(o.room)), v[bpf.TraceVarSnap].Set(snap),
		v[bpf.TraceVarTesterOffset].Set(offset), v[bpf.TraceVarTesterPorts].Set(ports), v[bpf.TraceVarTesterPoints].Set(numbers),
	)
}

// load loads the maps and attaches the programs at the tracepoints that there are.
func (t *tracer) load(spec *ebpf.CollectionSpec, o options) (err error) {
	shared := spec.Copy()
	delete(shared.Programs, bpf.TraceProgPass)
	wanted := map[string]string{}
	for _, programs := range []map[string]string{drops, readers, schedule} {
		for name, at := range programs {
			switch _, always := drops[name]; {
			case !always && !o.processes:
				delete(shared.Programs, name)
			case slices.Contains(o.without, at) || !hasTracepoint(at):
				delete(shared.Programs, name)
				t.missing = append(t.missing, at)
			default:
				wanted[name] = at
			}
		}
	}
	slices.Sort(t.missing)
	if t.shared, err = ebpf.NewCollection(shared); err != nil {
		return err
	}
	t.closers.Push(func() error { t.shared.Close(); return nil })
	for name, at := range wanted {
		l, err := link.AttachTracing(link.TracingOptions{Program: t.shared.Programs[name]})
		if err != nil {
			return fmt.Errorf("tracepoint %s: %w", at, err)
		}
		t.closers.Push(l.Close)
	}
	return nil
}

// hasTracepoint reports whether the kernel has a tracepoint, by the types that its programs are given.
func hasTracepoint(at string) bool {
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		return false
	}
	_, name, _ := strings.Cut(at, ":")
	types, err := kernel.AnyTypesByName("btf_trace_" + name)
	return err == nil && len(types) > 0
}

// attach attaches a program of its own to the point with this number.
func (t *tracer) attach(spec *ebpf.CollectionSpec, ns *netns.NS, number int) error {
	p := t.points[number]
	own := spec.Copy()
	own.Programs = map[string]*ebpf.ProgramSpec{bpf.TraceProgPass: own.Programs[bpf.TraceProgPass]}
	v := own.Variables
	if err := errors.Join(v[bpf.TraceVarPoint].Set(uint16(number)), v[bpf.TraceVarLinkHeader].Set(uint32(p.header))); err != nil {
		return err
	}
	shared := map[string]*ebpf.Map{}
	for name := range own.Maps {
		if name != ".rodata" {
			shared[name] = t.shared.Maps[name]
		}
	}
	loaded, err := ebpf.NewCollectionWithOptions(own, ebpf.CollectionOptions{MapReplacements: shared})
	if err != nil {
		return err
	}
	defer loaded.Close() // the link keeps the program
	way := ebpf.AttachTCXIngress
	if p.Kind == waterfall.Out {
		way = ebpf.AttachTCXEgress
	}
	return ns.Do(func() error {
		l, err := link.AttachTCX(link.TCXOptions{Interface: p.index, Program: loaded.Programs[bpf.TraceProgPass], Attach: way})
		if err != nil {
			return err
		}
		t.closers.Push(l.Close)
		return nil
	})
}

// findPlaces returns the interfaces of a network's nodes, in both directions, and the tester's ports.
func findPlaces(n *netns.Net) (places []place, err error) {
	for _, node := range n.Topology.Nodes {
		err := n.NS(node).Do(func() error {
			links, err := netlink.LinkList()
			for _, l := range links {
				a := l.Attrs()
				p := place{Point: waterfall.Point{Node: node, Interface: a.Name, Device: l.Type()}, index: a.Index, relay: slices.Contains(n.Topology.Relays, node)}
				if a.EncapType == "ether" {
					p.header = 14
				}
				switch {
				case a.EncapType == "loopback", a.Flags&net.FlagUp == 0, node == netns.Tester && a.Name != netns.Port0 && a.Name != netns.Port1:
				case node == netns.Tester:
					p.Kind = waterfall.Taken
					places = append(places, p)
				default:
					in, out := p, p
					in.Kind, out.Kind = waterfall.In, waterfall.Out
					places = append(places, in, out)
				}
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("list the interfaces: %w", err)
		}
	}
	if len(places) > maxPlaces {
		return nil, fmt.Errorf("%w: %d interfaces: a trace has %d points at most", errors.ErrUnsupported, len(places)/2, maxPlaces)
	}
	return places, nil
}

// watch adds processes whose threads are watched.
func (t *tracer) watch(node string, pids []int) error {
	side := uint32(len(t.sides))
	t.sides, t.pids = append(t.sides, node), append(t.pids, pids)
	for _, pid := range pids {
		if err := t.shared.Maps[bpf.TraceMapProcesses].Put(uint32(pid), side); err != nil {
			return fmt.Errorf("trace process %d: %w", pid, err)
		}
	}
	return nil
}

// arm forgets what was noted and begins; every must be a power of two.
func (t *tracer) arm(every int) error {
	for i := range t.sides {
		if err := t.shared.Maps[bpf.TraceMapSides].Put(uint32(i), bpf.TraceSide{}); err != nil {
			return err
		}
	}
	v := t.shared.Variables
	return errors.Join(v[bpf.TraceVarTaken].Set(uint64(0)), v[bpf.TraceVarMask].Set(uint32(every-1)), v[bpf.TraceVarSince].Set(sys.Monotonic()), v[bpf.TraceVarArmed].Set(uint32(1)))
}

// disarm ends it.
func (t *tracer) disarm() error {
	t.ended = sys.Monotonic()
	return t.shared.Variables[bpf.TraceVarArmed].Set(uint32(0))
}

// events returns what was noted since arm, and the number of events for which there was no room. The octets of a capture
// stay in the kernel's memory, and can be read until the next arm; the end of the tracer does not take them away.
func (t *tracer) events() (list []event, snaps io.ReaderAt, missed int, err error) {
	taken, err := t.taken()
	if err != nil {
		return nil, nil, 0, err
	}
	n := min(taken, t.room)
	memory, err := t.shared.Maps[bpf.TraceMapEvents].Memory()
	if err != nil {
		return nil, nil, 0, err
	}
	list = make([]event, n)
	raw := make([]byte, eventLen)
	for i := range list {
		if _, err := memory.ReadAt(raw, int64(i*eventLen)); err != nil {
			return nil, nil, 0, err
		}
		list[i] = decode(raw)
	}
	if t.snaps {
		snaps, err = t.shared.Maps[bpf.TraceMapSnaps].Memory()
	}
	return list, snaps, taken - n, err
}

// taken returns the number of events since arm, with those for which there was no room.
func (t *tracer) taken() (int, error) {
	var n uint64
	err := t.shared.Variables[bpf.TraceVarTaken].Get(&n)
	return int(n), err
}

// missed returns the number of events since arm for which there was no room.
func (t *tracer) missed() (int, error) {
	n, err := t.taken()
	return max(0, n-t.room), err
}

// sealedPlaces returns the points where many packets passed so far, and none with a signature.
func (t *tracer) sealedPlaces() (sealed map[int]bool, err error) {
	sealed = map[int]bool{}
	for i := range t.points {
		var p bpf.TracePlace
		if err := t.shared.Maps[bpf.TraceMapPlaces].Lookup(uint32(i), &p); err != nil {
			return nil, err
		}
		sealed[i] = p.Offset == 0 && p.Failed >= warmUpFrames/4
	}
	return sealed, nil
}

// side returns what the threads of one side did from arm to disarm.
func (t *tracer) side(i int) (s bpf.TraceSide, err error) {
	err = t.shared.Maps[bpf.TraceMapSides].Lookup(uint32(i), &s)
	for _, pid := range t.pids[i] {
		s.Ran += t.running(pid)
	}
	return s, err
}

// running returns for how long the threads of a process had been running when the trace ended: the kernel's program adds up
// what ends with a switch to another task.
func (t *tracer) running(pid int) (ns uint64) {
	tasks, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid)) // of a process that has ended there are none
	for _, task := range tasks {
		tid, err := strconv.ParseUint(task.Name(), 10, 32)
		if err != nil {
			continue
		}
		var at bpf.TraceTimes
		if t.shared.Maps[bpf.TraceMapThreads].Lookup(uint32(tid), &at) == nil && at.Started > 0 && at.Started < t.ended {
			ns += t.ended - at.Started
		}
	}
	return ns
}

// whole returns an error, which wraps lab.ErrDied, if an interface is gone at which frames were followed.
func (t *tracer) whole(n *netns.Net) error {
	for _, p := range t.points {
		err := n.NS(p.Node).Do(func() error {
			_, err := net.InterfaceByIndex(p.index)
			return err
		})
		if err != nil {
			return fmt.Errorf("%w: the interface %s of %s vanished during the trial", lab.ErrDied, p.Interface, p.Node)
		}
	}
	return nil
}

// Close detaches everything.
func (t *tracer) Close() error { return t.closers.Close() }

// nameOf returns the kernel's name of a drop reason.
func (t *tracer) nameOf(reason uint32) string {
	if name, ok := t.reasons[reason]; ok {
		return name
	}
	return fmt.Sprintf("reason %d", reason)
}

// skipped returns how many events the kernel did not show to the programs at its tracepoints: a program does not run in
// the middle of itself, not even for the interrupt of another task.
func (t *tracer) skipped() (n uint64) {
	for name := range t.shared.Programs {
		if info, err := t.shared.Programs[name].Stats(); err == nil {
			n += info.RecursionMisses
		}
	}
	return n
}

// epoch is the way from the clock of the events to that of the wall.
func (t *tracer) epoch() time.Duration { return time.Duration(sys.ClockOffset()) }
