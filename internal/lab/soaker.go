package lab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/tunnelbench/tunnelbench/internal/reexec"
	"github.com/tunnelbench/tunnelbench/internal/signals"
	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/loadgen"
)

// soakWord is the first argument of this program when it runs as a soaker.
const soakWord = "__soak"

// soaker is a process of the lowest priority that reads the clock in a loop on one core. It keeps
// the core from sleeping: a virtual core takes up to 20 ms to wake up. A step between two readings
// that is longer than a reading takes is CPU time of others, soft interrupts included.
//
// Counting loops instead of time does not work: a loop takes twice as long while the sibling thread
// of an SMT core is busy.
type soaker struct {
	cpu      int
	softirqd int // the kernel's thread for soft interrupts of the core; 0 where there is none
	cmd      *exec.Cmd
	file     *os.File
	page     []byte
}

func startSoaker(cpu int) (*soaker, error) {
	file, page, err := sys.SharedMemory(soakLedgerSize)
	if err != nil {
		return nil, fmt.Errorf("soaker on cpu %d: %w", cpu, err)
	}
	s := &soaker{cpu: cpu, softirqd: findSoftirqd(cpu), file: file, page: page, cmd: exec.Command("/proc/self/exe")}
	s.cmd.Args = []string{"tunnelbench", soakWord, strconv.Itoa(os.Getpid())}
	s.cmd.Env = append(os.Environ(), "GODEBUG=asyncpreemptoff=1", "GOMAXPROCS=1")
	s.cmd.ExtraFiles = []*os.File{file}
	s.cmd.Stderr = os.Stderr
	if err := sys.StartTethered(s.cmd, []int{cpu}); err != nil {
		return nil, errors.Join(fmt.Errorf("soaker on cpu %d: %w", cpu, err), sys.UnmapShared(page), file.Close())
	}
	return s, nil
}

// soakLedger is the memory that soaker and lab share.
type soakLedger struct {
	readings atomic.Uint64
	lost     atomic.Uint64 // ns
	slices   [soakSlices]soakSlice
}

// soakSlice is the time that the soaker lost in a slice of loadgen.SliceTime. The slices' numbers
// count from 0 on CLOCK_MONOTONIC; a later slice overwrites the one soakSlices before it.
type soakSlice struct{ number, lost atomic.Uint64 }

const (
	soakSlices     = 1 << 14 // 164 s
	soakLedgerSize = int(unsafe.Sizeof(soakLedger{}))
)

// add adds lost time, from and to by CLOCK_MONOTONIC in ns.
func (l *soakLedger) add(from, to uint64) {
	const slice = uint64(loadgen.SliceTime)
	l.lost.Add(to - from)
	for from < to {
		number := from / slice
		end := min(to, (number+1)*slice)
		s := &l.slices[number%soakSlices]
		if s.number.Load() != number {
			s.lost.Store(0)
			s.number.Store(number)
		}
		s.lost.Add(end - from)
		from = end
	}
}

// lostIn returns the CPU time that others used in one slice of CLOCK_MONOTONIC.
func (l *soakLedger) lostIn(number uint64) time.Duration {
	s := &l.slices[number%soakSlices]
	if s.number.Load() != number {
		return 0
	}
	return time.Duration(s.lost.Load())
}

func ledgerOf(page []byte) *soakLedger { return (*soakLedger)(unsafe.Pointer(&page[0])) }

// running reports whether the soaker has started.
func (s *soaker) running() bool { return ledgerOf(s.page).readings.Load() > 0 }

// lostIn returns the CPU time that others used on the soaker's core in one slice.
func (s *soaker) lostIn(number uint64) time.Duration { return ledgerOf(s.page).lostIn(number) }

// lost returns the CPU time that others used on the soaker's core so far.
func (s *soaker) lost() time.Duration { return time.Duration(ledgerOf(s.page).lost.Load()) }

// ran returns the CPU time of the soaker itself.
func (s *soaker) ran() time.Duration { return cpuTime(s.cmd.Process.Pid) }

// cpuTime returns the CPU time of a process; 0 if the kernel does not report it.
func cpuTime(pid int) time.Duration {
	d, err := sys.ProcessCPU(pid)
	if pid == 0 || err != nil {
		return 0
	}
	return d
}

// findSoftirqd returns the pid of the thread ksoftirqd/N, which processes soft interrupts when
// there are too many to process at once.
func findSoftirqd(cpu int) int {
	names, err := filepath.Glob("/proc/[0-9]*/comm")
	if err != nil {
		return 0
	}
	want := fmt.Sprintf("ksoftirqd/%d", cpu)
	for _, name := range names {
		if FirstLine(name) != want {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name))); err == nil {
			return pid
		}
	}
	return 0
}

// close stops the soaker and waits for it.
func (s *soaker) close() error {
	err := s.cmd.Process.Kill()
	var exit *exec.ExitError
	if waited := s.cmd.Wait(); waited != nil && !errors.As(waited, &exit) {
		err = errors.Join(err, waited)
	}
	return errors.Join(err, sys.UnmapShared(s.page), s.file.Close())
}

func init() {
	reexec.Register(soakWord, func(args []string) error {
		if len(args) != 1 {
			return errors.New("soak: the pid of the parent is missing")
		}
		if err := soak(args[0], os.NewFile(3, "ledger")); err != nil {
			return fmt.Errorf("soak: %w", err)
		}
		return nil
	})
}

func soak(parent string, f *os.File) error {
	signals.LeaveToParent()
	runtime.LockOSThread()
	debug.SetGCPercent(-1)
	if err := sys.BecomeIdle(); err != nil {
		return err
	}
	page, err := sys.MapShared(f, soakLedgerSize)
	if err != nil {
		return err
	}
	if strconv.Itoa(os.Getppid()) != parent { // the lab ended before prctl(PR_SET_PDEATHSIG) took effect
		return errors.New("soak: the parent has ended")
	}
	ledger := ledgerOf(page)
	limit := max(shortestLoss, slowReadings*quickest(func() {}))
	yield := quickest(sys.Yield)
	ledger.readings.Store(1)
	begin, start := sys.Monotonic(), time.Now()
	for last, yielded := time.Duration(0), time.Duration(0); ; {
		now := time.Since(start)
		if now-last > limit {
			ledger.add(begin+uint64(last), begin+uint64(now))
		}
		if last = now; now-yielded > yieldEvery {
			sys.Yield()
			last, yielded = now+yield, now
		}
	}
}

// yieldEvery is how often the soaker calls sched_yield(2). A thread that wakes up after more than
// its share of CPU time preempts nobody, not even an idle-class task, until the scheduler runs
// again (pick_eevdf in kernel/sched/fair.c). Without the yield, 1 % of a tunnel's wake-ups waited
// for the next tick, up to 4 ms.
const yieldEvery = 10 * time.Microsecond

// A shorter step is the cost of reading the clock; a longer one is CPU time of others.
const (
	shortestLoss = 500 * time.Nanosecond
	slowReadings = 8
)

// quickest returns the shortest time between two readings of the clock with a call of do between
// them.
func quickest(do func()) time.Duration {
	const readings = 10000
	start := time.Now()
	quickest := time.Hour
	for last, i := time.Duration(0), 0; i < readings; i++ {
		do()
		now := time.Since(start)
		quickest = min(quickest, now-last)
		last = now
	}
	return quickest
}
