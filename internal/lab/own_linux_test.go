package lab

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/reexec"
	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

const (
	busyWord = "__busy" // first argument of this program when it keeps itself busy
	ownName  = "tb-own" // name of the device's processes in these tests
	piece    = 64 << 10 // bytes of garbage that are made at once
	spinners = 4        // threads per core
)

// busyWorks are what a Go program may do beside its work.
var busyWorks = map[string]func(){"garbage": litter, "threads": spin}

var garbage []byte

// litter makes garbage without end. The collector runs after every few pieces.
func litter() {
	debug.SetGCPercent(1)
	for {
		garbage = make([]byte, piece)
	}
}

// spin keeps several threads on each core busy.
func spin() {
	threads := spinners * runtime.NumCPU()
	runtime.GOMAXPROCS(threads + runtime.NumCPU())
	for range threads {
		go func() {
			for n := 0; ; n++ {
			}
		}()
	}
}

func init() {
	reexec.Register(busyWord, func(args []string) error {
		go busyWorks[args[0]]()
		if os.Getenv("TB_SIDE") == "" { // it is no end of a tunnel
			select {}
		}
		os.Args = []string{os.Args[0], "__dut", "naive"}
		reexec.Main()
		return nil
	})
}

// ownProgram returns the path of this program under the name ownName.
func ownProgram(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), ownName)
	if err := os.Symlink(self, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// blames reports whether the ledger calls a program whose name begins so another program.
func blames(l loadgen.Ledger, name string) bool {
	for _, program := range l.Programs {
		if strings.HasPrefix(program, name) {
			return true
		}
	}
	return false
}

// countedTwice reports whether the device's processes and other programs together had more of the
// device's cores than there is, by more than the readings' doubt: the ledger then has the device's
// time as another program's. It sees what blames may not, since a ledger names only the last other
// program.
func countedTwice(l *Lab, r Run) bool {
	sum := r.after.process - r.before.process
	for _, cpu := range l.cpus.DUT {
		for _, took := range r.Ledger.Others[cpu] {
			sum += took
		}
	}
	return sum > r.elapsed()*time.Duration(len(l.cpus.DUT))*5/4
}

// unexplained returns the disturbed slices that are far from every stall and from every slice with
// another program: only the device can have disturbed them.
func unexplained(l loadgen.Ledger) (slices []int) {
	explained := make([]bool, len(l.Slices))
	explain := func(from, to time.Duration) {
		const reach = max(recoverySpan, int(queueSpan/loadgen.SliceTime)) // slices before and after
		first, last := int(from/loadgen.SliceTime)-reach, int(to/loadgen.SliceTime)+reach
		for i := max(0, first); i <= min(last, len(explained)-1); i++ {
			explained[i] = true
		}
	}
	for _, s := range l.Stalls {
		explain(s.At, s.At+s.Length)
	}
	if l.StallsBeyond > 0 {
		explain(l.Stalls[len(l.Stalls)-1].At, l.Duration+l.Paused)
	}
	for _, took := range l.Others {
		for i, other := range took {
			if at := time.Duration(i) * loadgen.SliceTime; other > foreignLimit {
				explain(at, at)
			}
		}
	}
	for i, disturbed := range findDisturbances(l).disturbed {
		if disturbed && !explained[i] {
			slices = append(slices, i)
		}
	}
	return slices
}

// ownTrouble is a kind of trouble that a device makes for itself.
type ownTrouble struct {
	spec    string
	load    rfc2544.Rate
	program string // what would be called another program
	// made reports whether the trouble was there.
	made func(*testing.T, *Setup, Run, rfc2544.Observation) bool
}

// isBusy reports whether the device's processes did more than forward 2000 frames/s, which takes
// less than a hundredth of a core.
func isBusy(_ *testing.T, _ *Setup, r Run, _ rfc2544.Observation) bool {
	return r.after.user-r.before.user > r.elapsed()/20
}

// collects reports whether the device's processes are busy, and collect garbage: they go on with it
// after the trial, and soon have made many times what they hold.
func collects(t *testing.T, b *Setup, r Run, o rfc2544.Observation) bool {
	t.Helper()
	const patience, look = 10 * time.Second, 50 * time.Millisecond
	for end := time.Now().Add(patience); ; time.Sleep(look) {
		all, err := b.Vitals()
		if err != nil {
			t.Fatal(err)
		}
		var made, held uint64
		for _, v := range all {
			made, held = made+v.Mallocs*piece, held+v.Heap
		}
		if made > 10*held {
			return isBusy(t, b, r, o)
		}
		if time.Now().After(end) {
			return false
		}
	}
}

// overflows reports whether the device lost frames, in clean time too, unless most of the trial was
// disturbed. Where tester and device share a core, the tester is slowed down instead.
func overflows(_ *testing.T, b *Setup, _ Run, o rfc2544.Observation) bool {
	inClean := o.CleanTime() < o.Duration/2 || o.CleanLossRatio() > 0.05
	return b.lab.Shared() || o.Lost-o.Late > o.Offered/10 && inClean
}

// interrupted reports whether frames were lost and ksoftirqd worked.
func interrupted(t *testing.T, b *Setup, r Run, o rfc2544.Observation) bool {
	t.Helper()
	return overflows(t, b, r, o) && (b.lab.Shared() || r.after.softirq > r.before.softirq)
}

// What a device does to itself is no disturbance: no slice is excused because of it. Stalls and
// programs of other names may come into these trials.
func TestOwnTroubleIsNoDisturbance(t *testing.T) {
	l := openLabWith(t, Settings{Engine: EngineXDP, LossTimeout: short})
	own := ownProgram(t)
	busy := func(work string) string { return script(t, "exec "+own+" "+busyWord+" "+work+"\n") }
	for name, c := range map[string]ownTrouble{
		"garbage collector":      {busy("garbage"), 2000, ownName, collects},
		"threads":                {busy("threads"), 2000, ownName, isBusy},
		"soft interrupts":        {"vxlan", rfc2544.Flood, "ksoftirqd/", interrupted},
		"full queue":             {"relay@" + own + ":rate=20kpps,queue=100", 40e3, ownName, overflows},
		"full queue of the link": {"shaped:rate=5Mbps,limit=10000", 80e3, "ksoftirqd/", overflows},
	} {
		t.Run(name, func(t *testing.T) { checkNoExcuse(t, l, c) })
	}
}

func checkNoExcuse(t *testing.T, l *openedLab, c ownTrouble) {
	t.Helper()
	b := openBench(t, l, c.spec, 64)
	o, r, err := b.MeasureRun(context.Background(), rfc2544.Trial{Size: 64, Load: c.load, Duration: 400 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if !c.made(t, b, r, o) {
		t.Errorf("the device made no trouble: %d of %d frames lost (clean: %+v), %v of %v in its processes",
			o.Lost-o.Late, o.Offered, *o.Clean, r.after.user-r.before.user, r.elapsed())
	}
	if blames(r.Ledger, c.program) || countedTwice(l.Lab, r) {
		t.Errorf("%s is called another program: %v", c.program, o.Disturbed)
	}
	if slices := unexplained(r.Ledger); slices != nil {
		t.Errorf("slices %v are excused: %v", slices, o.Disturbed)
	}
}

// The same programs on the device's cores are a disturbance if they are not the device's.
func TestBusyProgramIsADisturbance(t *testing.T) {
	l := openLabWith(t, Settings{Engine: EngineXDP})
	b := openBench(t, l, "plain", 64)
	for work := range busyWorks {
		t.Run(work, func(t *testing.T) {
			busy := exec.Command(ownProgram(t), busyWord, work)
			if err := sys.StartTethered(busy, l.cpus.DUT); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = busy.Process.Kill(); _ = busy.Wait() })
			const trials = 20 // a ledger names the last other program only, which may be one of the machine's
			for range trials {
				o, r, err := b.MeasureRun(context.Background(), rfc2544.Trial{Size: 64, Load: 2000, Duration: 100 * time.Millisecond})
				if err != nil {
					t.Fatal(err)
				}
				if blames(r.Ledger, ownName) && o.Disturbed.Has(rfc2544.OtherPrograms) && o.Clean.Time < o.Duration {
					return
				}
			}
			t.Errorf("%s is not seen in %d trials", ownName, trials)
		})
	}
}
