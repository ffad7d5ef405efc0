package fuzz

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/fuzz/oracle"
	"github.com/tunnelbench/tunnelbench/fuzz/report"
	"github.com/tunnelbench/tunnelbench/internal/reexec"
)

// Fault is the effect of an input on a harness. The zero value means no fault.
type Fault struct {
	Oracle string              `json:"oracle"`
	Seen   string              `json:"seen"`
	Stack  []report.StackFrame `json:"stack"`
}

// None reports whether every oracle held.
func (f Fault) None() bool { return f.Oracle == "" }

// stackDepth is how many stack frames identify a fault.
const stackDepth = 3

// id returns the same value for the same fault of a target.
func (f Fault) id(target string) string {
	h := sha256.New()
	fmt.Fprintln(h, target, f.Oracle)
	for _, frame := range f.Stack[:min(len(f.Stack), stackDepth)] {
		fmt.Fprintln(h, frame.Function, frame.Line)
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}

// Check runs a harness on one input, in this process. A fault that cannot be recovered, such as a fatal
// error of the runtime, ends the process; a replayer runs inputs in another process.
func Check(t Target, data []byte) (f Fault) {
	defer func() {
		value := recover()
		if value == nil {
			return
		}
		f = Fault{Oracle: oracle.Panic, Seen: fmt.Sprint(value), Stack: stackOf()}
		var broken *oracle.Broken
		if err, ok := value.(error); ok && errors.As(err, &broken) {
			f.Oracle, f.Seen = broken.Oracle, broken.Seen
		}
		f.Seen = oneLine(f.Seen)
	}()
	oracle.Harness(t.Harness)(oracle.Exact(data))
	return f
}

// oneLine shortens a text for a table.
func oneLine(s string) string {
	const longest = 400
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > longest {
		s = strings.ToValidUTF8(s[:longest], "") + "…"
	}
	return s
}

// stackOf returns the stack of a panic, innermost frame first, up to the harness.
func stackOf() (stack []report.StackFrame) {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for {
		frame, more := frames.Next()
		switch {
		case strings.HasSuffix(frame.Function, "fuzz.Check"):
			return stack
		case strings.HasPrefix(frame.Function, "runtime."), strings.Contains(frame.Function, "/fuzz.Check.func"):
			stack = stack[:0:0] // the frames above belong to the panic, not to the fault
		case isOracle(frame.Function): // oracles run between a harness and its decoder
		default:
			stack = append(stack, report.StackFrame{Function: shortFunction(frame.Function), File: shortFile(frame.File), Line: frame.Line})
		}
		if !more {
			return stack
		}
	}
}

func isOracle(function string) bool { return strings.Contains(function, "/fuzz/oracle.") }

const module = "github.com/tunnelbench/tunnelbench"

func shortFunction(name string) string { return strings.TrimPrefix(name, module+"/") }

// shortFile returns a path within the module, or within the module that the file belongs to.
func shortFile(path string) string {
	if _, inside, ok := strings.Cut(path, module+"/"); ok { // -trimpath
		return inside
	}
	if root, err := Root(); err == nil {
		if inside, err := filepath.Rel(root, path); err == nil && !strings.HasPrefix(inside, "..") {
			return filepath.ToSlash(inside)
		}
	}
	if _, inside, ok := strings.Cut(path, "/pkg/mod/"); ok {
		return inside
	}
	if first, _, _ := strings.Cut(path, "/"); !filepath.IsAbs(path) && !strings.Contains(first, ".") {
		return "$GOROOT/src/" + path // -trimpath again
	}
	return path // a file of the toolchain, or of a module in the cache
}

// helperName is the argument with which a replayer starts this program.
const helperName = "__fuzz"

func init() { reexec.Register(helperName, replayRole) }

// replayRole replays inputs from stdin for the target named by args.
func replayRole(args []string) error {
	if len(args) != 1 {
		return errors.New("which target?")
	}
	t, err := Find(args[0])
	if err != nil {
		return err
	}
	return serve(t, os.Stdin, os.Stdout)
}

// serve answers each input, which follows its length of four bytes, with a line of JSON.
func serve(t Target, in io.Reader, out io.Writer) error {
	answers := json.NewEncoder(out)
	for {
		var n uint32
		if err := binary.Read(in, binary.BigEndian, &n); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		data := make([]byte, n)
		if _, err := io.ReadFull(in, data); err != nil {
			return err
		}
		if err := answers.Encode(Check(t, data)); err != nil {
			return err
		}
	}
}

// framed returns an input in the format of serve.
func framed(data []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(data))), data...)
}

// Replay runs one input in a separate process. program is an executable of this command.
func Replay(ctx context.Context, t Target, program string, data []byte) (Fault, error) {
	r := newReplayer(t, program)
	defer r.close()
	return r.check(ctx, data)
}

// inputLimit is how long one input may take before it counts as a hang. It is below the 10 s after which
// go test ends a run, so that a hang found by an engine is confirmed as one here.
const inputLimit = 8 * time.Second

// replayer runs inputs of one target in a separate process. It starts another process when an input has
// killed one.
type replayer struct {
	target  Target
	program string
	process *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	stderr  bytes.Buffer
	served  int // inputs that the process has answered
}

// newReplayer returns a replayer of the target. program is an executable of this command.
func newReplayer(t Target, program string) *replayer { return &replayer{target: t, program: program} }

func (r *replayer) start() error {
	r.process = exec.Command(r.program, helperName, r.target.Name)
	ownGroup(r.process) // an interrupt at the terminal must reach this process alone
	r.served = 0
	r.stderr.Reset()
	r.process.Stderr = &r.stderr
	in, err1 := r.process.StdinPipe()
	out, err2 := r.process.StdoutPipe()
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	r.in, r.out = in, bufio.NewReader(out)
	return r.process.Start()
}

// check returns the fault of an input. If a process dies that has answered inputs before, an earlier input
// may be the cause, so check tries again in a new process. An error means that no process could be run.
func (r *replayer) check(ctx context.Context, data []byte) (Fault, error) {
	if err := ctx.Err(); err != nil {
		return Fault{}, err
	}
	before := r.served
	f, died, err := r.ask(data)
	if died && before > 0 {
		f, _, err = r.ask(data)
	}
	return f, err
}

// ask runs an input in the current process, or in a new one.
func (r *replayer) ask(data []byte) (f Fault, died bool, err error) {
	if r.process == nil {
		if err := r.start(); err != nil {
			r.process = nil
			return f, false, fmt.Errorf("replay: %w", err)
		}
	}
	process := r.process.Process
	hung := time.AfterFunc(inputLimit, func() { _ = process.Kill() })
	_, err = r.in.Write(framed(data))
	var line []byte
	if err == nil {
		line, err = r.out.ReadBytes('\n')
	}
	inTime := hung.Stop()
	if err == nil {
		err = json.Unmarshal(line, &f)
	}
	if err == nil {
		r.served++
		return f, false, nil
	}
	r.close()
	if !inTime {
		return Fault{Oracle: oracle.Time, Seen: fmt.Sprintf("no answer within %v", inputLimit)}, false, nil
	}
	said := r.stderr.String()
	return Fault{Oracle: oracle.Panic, Seen: oneLine(firstLine(said)), Stack: stackIn(said)}, true, nil
}

// firstLine returns the message of a runtime crash, without the goroutines.
func firstLine(s string) string {
	for line := range strings.Lines(s) {
		if line = strings.TrimSpace(line); line != "" {
			return line
		}
	}
	return "the process ended"
}

func (r *replayer) close() {
	if r.process == nil {
		return
	}
	_ = r.in.Close()
	_ = r.process.Process.Kill()
	_ = r.process.Wait()
	r.process = nil
}
