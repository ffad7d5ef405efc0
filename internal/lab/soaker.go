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
	"github.com/tunnelbench/tunnelbench/internal/sys"
)

// soakWord is the first argument by which this program is started again as a soaker.
const soakWord = "__soak"

// soaker is a process that does nothing but read the clock, at the lowest
// priority, on one core. It keeps the core from going to sleep, from which a
// virtual core takes up to 20 ms to come back; and a step between two readings
// that is longer than a reading can be is time that somebody else had, soft
// interrupts included.
//
// Note: counting loops instead of time was tried. The price of a loop doubles
// when the other half of an SMT core is busy, so it measures the neighbour.
type soaker struct {
	cpu      int
	softirqd int // the kernel's thread for soft interrupts of the core; 0 where there is none
	cmd      *exec.Cmd
	file     *os.File
	page     []byte
}

func startSoaker(cpu int) (*soaker, error) {
	file, page, err := sys.SharedPage()
	if err != nil {
		return nil, fmt.Errorf("soaker on cpu %d: %w", cpu, err)
	}
	s := &soaker{cpu: cpu, softirqd: findSoftirqd(cpu), file: file, page: page, cmd: exec.Command("/proc/self/exe")}
	s.cmd.Args = []string{"tunnelbench", soakWord, strconv.Itoa(os.Getpid())}
	s.cmd.Env = append(os.Environ(), "GODEBUG=asyncpreemptoff=1", "GOMAXPROCS=1")
	s.cmd.ExtraFiles = []*os.File{file}
	s.cmd.Stderr = os.Stderr
	if err := sys.StartTethered(s.cmd, []int{cpu}); err != nil {
		return nil, errors.Join(fmt.Errorf("soaker on cpu %d: %w", cpu, err), sys.UnmapPage(page), file.Close())
	}
	return s, nil
}

// ledger is what the soaker and the lab share.
type soakLedger struct {
	readings atomic.Uint64
	lost     atomic.Uint64 // ns
}

func ledgerOf(page []byte) *soakLedger { return (*soakLedger)(unsafe.Pointer(&page[0])) }

// running tells whether the soaker has begun.
func (s *soaker) running() bool { return ledgerOf(s.page).readings.Load() > 0 }

// lost is how much time others have taken from the soaker so far.
func (s *soaker) lost() time.Duration { return time.Duration(ledgerOf(s.page).lost.Load()) }

// ran is how long the soaker itself has had the core.
func (s *soaker) ran() time.Duration { return cpuTime(s.cmd.Process.Pid) }

// cpuTime is how long a process has run; 0 when the kernel does not say.
func cpuTime(pid int) time.Duration {
	d, err := sys.ProcessCPU(pid)
	if pid == 0 || err != nil {
		return 0
	}
	return d
}

// findSoftirqd finds the thread ksoftirqd/N, which works off soft interrupts
// when there are too many to be done at once.
func findSoftirqd(cpu int) int {
	names, err := filepath.Glob("/proc/[0-9]*/comm")
	if err != nil {
		return 0
	}
	want := fmt.Sprintf("ksoftirqd/%d", cpu)
	for _, name := range names {
		if firstLine(name) != want {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name))); err == nil {
			return pid
		}
	}
	return 0
}

// close ends the soaker and waits for it.
func (s *soaker) close() error {
	err := s.cmd.Process.Kill()
	var exit *exec.ExitError
	if waited := s.cmd.Wait(); waited != nil && !errors.As(waited, &exit) {
		err = errors.Join(err, waited)
	}
	return errors.Join(err, sys.UnmapPage(s.page), s.file.Close())
}

func init() {
	reexec.Register(soakWord, func(args []string) error {
		if len(args) != 1 {
			return errors.New("soak: whose?")
		}
		if err := soak(args[0], os.NewFile(3, "ledger")); err != nil {
			return fmt.Errorf("soak: %w", err)
		}
		return nil
	})
}

func soak(parent string, f *os.File) error {
	runtime.LockOSThread()
	debug.SetGCPercent(-1)
	if err := sys.BecomeIdle(); err != nil {
		return err
	}
	page, err := sys.MapPage(f)
	if err != nil {
		return err
	}
	if strconv.Itoa(os.Getppid()) != parent { // the lab was gone before the kernel could tie us to it
		return errors.New("orphaned")
	}
	ledger := ledgerOf(page)
	limit := max(shortestLoss, slowReadings*quickest(func() {}))
	yield := quickest(sys.Yield)
	ledger.readings.Store(1)
	start := time.Now()
	for last, yielded := time.Duration(0), time.Duration(0); ; {
		now := time.Since(start)
		if now-last > limit {
			ledger.lost.Add(uint64(now - last))
		}
		if last = now; now-yielded > yieldEvery {
			sys.Yield()
			last, yielded = now+yield, now
		}
	}
}

// yieldEvery is how often the soaker asks the scheduler to look again. A thread that wakes up
// after having had more than its share does not get the core from anybody, not even
// from an idle-class task, before the scheduler is asked again (pick_eevdf in
// kernel/sched/fair.c): without this, one wake-up of a tunnel in a hundred waited for the next tick,
// up to 4 ms.
const yieldEvery = 10 * time.Microsecond

// A step shorter than this is the clock's own; one longer is somebody else's.
const (
	shortestLoss = 500 * time.Nanosecond
	slowReadings = 8
)

// quickest is the time between two readings of the clock with do between them, undisturbed.
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
