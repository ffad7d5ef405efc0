package fuzz

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/fuzz/oracle"
	"github.com/tunnelbench/tunnelbench/reports"
)

// engine is who makes up inputs.
type engine interface {
	// build makes what run needs, once for all targets of a package.
	build(ctx context.Context, t Target) error
	// run attacks a target until the time is over, ctx is done, or it found
	// something. It begins with what is in the corpus and adds what reaches new places.
	run(ctx context.Context, t Target, limit time.Duration, sample func(reports.FuzzSample)) (turn, error)
}

// turn is what came of a run.
type turn struct {
	crashers [][]byte
	cpu      time.Duration
	said     string // the engine's last words, for errors
}

// Engines are the names that `fuzz run --engine` takes.
var Engines = []string{nativeEngine, goFuzzEngine, libFuzzerEngine}

const (
	nativeEngine    = "native"
	goFuzzEngine    = "go-fuzz"
	libFuzzerEngine = "libfuzzer"
)

// places are where a campaign works.
type places struct {
	root    string // of the module
	work    string // of the campaign: builds and corpora
	workers int
}

// corpus is the folder of a target's inputs, one octet string a file.
func (p places) corpus(t Target) string { return filepath.Join(p.work, "corpus", t.Name) }

func (p places) newEngine(name string) (engine, error) {
	switch name {
	case nativeEngine:
		return &native{places: p}, nil
	case goFuzzEngine:
		return &goFuzz{places: p}, nil
	case libFuzzerEngine:
		return &libFuzzer{places: p}, nil
	}
	return nil, fmt.Errorf("engine %q: use %s", name, strings.Join(Engines, ", "))
}

// tool runs a program of the toolchain in the module.
func (p places) tool(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = p.root
	out, err := cmd.CombinedOutput()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return fmt.Errorf("%w: %s is not installed: targets are built here", errors.ErrUnsupported, name)
	case err != nil:
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, oneLine(lastLines(string(out), 5)))
	}
	return nil
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// attack runs an engine's program until it ends, the time is over or ctx is done,
// which the program is told by an interrupt. Each line it prints goes to saw.
func attack(ctx context.Context, limit time.Duration, cmd *exec.Cmd, saw func(line string)) (turn, error) {
	var t turn
	out, in, err := os.Pipe()
	if err != nil {
		return t, err
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = in, in
	ownGroup(cmd)
	err = cmd.Start()
	in.Close()
	if err != nil {
		return t, err
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	const grace = 10 * time.Second
	late := time.AfterFunc(limit+grace, func() { kill(cmd) })
	stop := context.AfterFunc(ctx, func() {
		interrupt(cmd)
		late.Reset(grace)
	})
	t.said = listen(out, saw)
	err = cmd.Wait()
	stop()
	late.Stop()
	kill(cmd) // what a worker may have left
	if cmd.ProcessState != nil {
		t.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	return t, err
}

// listen hands on each line and keeps the last ones.
func listen(out io.Reader, saw func(string)) string {
	const kept = 60
	var last []string
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		saw(lines.Text())
		last = append(last[max(0, len(last)-kept):], lines.Text())
	}
	_, _ = io.Copy(io.Discard, out) // a line that is too long must not block who writes it
	return strings.Join(last, "\n")
}

// native is `go test -fuzz`, with a test binary that is built once a package.
type native struct{ places }

func (n *native) binary(t Target) string {
	return filepath.Join(n.work, "build", strings.ReplaceAll(t.Package, "/", "-")+".test")
}

func (n *native) build(ctx context.Context, t Target) error {
	return n.tool(ctx, "go", "test", "-c", "-vet=off", "-fuzz=.", "-o", n.binary(t), "./"+t.Package)
}

var (
	nativeProgress = regexp.MustCompile(`execs: (\d+) .*\(total: (\d+)\)`)
	nativeFailure  = regexp.MustCompile(`Failing input written to (\S+)`)
)

// run keeps the corpus in go test's own notation while the engine runs. The
// engine looks for seeds below its folder, and writes what fails there.
func (n *native) run(ctx context.Context, t Target, limit time.Duration, sample func(reports.FuzzSample)) (turn, error) {
	dir := filepath.Join(n.work, "native", t.Name)
	seeds, cache := filepath.Join(dir, "testdata", "fuzz", t.native()), filepath.Join(dir, "cache", t.native())
	if err := errors.Join(os.RemoveAll(seeds), os.MkdirAll(seeds, 0o755), os.MkdirAll(cache, 0o755)); err != nil {
		return turn{}, err
	}
	inputs, _ := readCorpus(n.corpus(t))
	for _, data := range inputs {
		if err := os.WriteFile(filepath.Join(cache, inputName(data)), encodeInput(data), 0o644); err != nil {
			return turn{}, err
		}
	}
	cmd := exec.Command(n.binary(t), "-test.run=^$", "-test.fuzz=^"+t.native()+"$", "-test.fuzztime="+limit.String(),
		"-test.fuzzminimizetime=0x", "-test.parallel="+strconv.Itoa(n.workers), "-test.fuzzcachedir="+filepath.Join(dir, "cache"))
	cmd.Dir, cmd.Env = dir, append(os.Environ(), SeedsVariable+"=off") // the corpus has those that hold
	start, failing := time.Now(), ""
	result, err := attack(ctx, limit+30*time.Second, cmd, func(line string) {
		if m := nativeProgress.FindStringSubmatch(line); m != nil {
			sample(reports.FuzzSample{Elapsed: time.Since(start), Executions: number(m[1]), Coverage: number(m[2])})
		}
		if m := nativeFailure.FindStringSubmatch(line); m != nil {
			failing = m[1]
		}
	})
	if failing != "" { // first of all: what was found is not to be lost for want of room
		data, unreadable := ReadInput(filepath.Join(dir, failing))
		if unreadable != nil {
			return result, unreadable
		}
		result.crashers, err = append(result.crashers, data), nil
	}
	if endsLate(result.said) && time.Since(start) >= limit {
		err = nil
	}
	found, _ := readCorpus(cache)
	return result, errors.Join(ended(ctx, err, result.said), n.keep(t, found))
}

// endsLate tells whether go test fails because its time was over while it stopped,
// as it may on a busy machine (golang.org/issue/75804).
func endsLate(said string) bool {
	return strings.Contains(said, "context deadline exceeded") && !strings.Contains(said, "Failing input")
}

// check runs one input by go test, for targets that only it can run.
func (n *native) check(ctx context.Context, t Target, data []byte) (Fault, error) {
	dir := filepath.Join(n.work, "check")
	seed := filepath.Join(dir, "testdata", "fuzz", t.native(), inputName(data))
	if err := errors.Join(os.RemoveAll(dir), writeAside(seed, encodeInput(data))); err != nil {
		return Fault{}, err
	}
	cmd := exec.CommandContext(ctx, n.binary(t), "-test.run=^"+t.native()+"$/^"+inputName(data)+"$", "-test.timeout="+inputLimit.String())
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	var failed *exec.ExitError
	switch {
	case err == nil:
		return Fault{}, nil
	case !errors.As(err, &failed):
		return Fault{}, err
	}
	return faultOf(string(out)), nil
}

var (
	testPanicked = regexp.MustCompile(`(?m)^\s*panic: (?:oracle ([a-z-]+): )?(.*?)(?: \[recovered.*)?$`)
	testFailed   = regexp.MustCompile(`(?m)^\s+(\S+_test\.go):(\d+): (.*)$`)
)

// SeedsVariable, set to off, has a native target leave its seeds out.
const SeedsVariable = "TB_FUZZ_SEEDS"

var frameLine = regexp.MustCompile(`^\s+(\S+\.go):(\d+)(?: \+0x[0-9a-f]+)?$`)

// stackIn is the stack of the goroutine that a dying program tells of first, without the
// frames of those who called or judged: the runtime, go test, oracles.
func stackIn(output string) (stack []reports.StackFrame) {
	function, within := "", false
	for line := range strings.Lines(output) {
		line = strings.TrimRight(line, "\n")
		trimmed := strings.TrimSpace(line)
		switch m := frameLine.FindStringSubmatch(line); {
		case strings.HasPrefix(trimmed, "goroutine "):
			if within {
				return stack
			}
			within = true
		case within && trimmed == "" && len(stack) > 0:
			return stack
		case within && m != nil && !isForeign(function):
			stack = append(stack, reports.StackFrame{Function: shortFunction(function), File: shortFile(m[1]), Line: int(number(m[2]))})
		case within && m == nil:
			function, _, _ = strings.Cut(trimmed, "(0x")
			function = strings.TrimSuffix(strings.TrimSuffix(function, "(...)"), "({...})")
		}
	}
	return stack
}

func isForeign(function string) bool {
	for _, prefix := range []string{"runtime.", "runtime/", "testing.", "panic(", "reflect.", "created by "} {
		if strings.HasPrefix(function, prefix) {
			return true
		}
	}
	return isOracle(function)
}

// faultOf reads what go test says of an input.
func faultOf(output string) Fault {
	if strings.Contains(output, "test timed out after") {
		return Fault{Oracle: oracle.Time, Seen: fmt.Sprintf("no answer within %v", inputLimit)}
	}
	if m := testPanicked.FindStringSubmatch(output); m != nil {
		if m[1] == "" {
			m[1] = oracle.Panic
		}
		return Fault{Oracle: m[1], Seen: oneLine(m[2]), Stack: stackIn(output)}
	}
	if m := testFailed.FindStringSubmatch(output); m != nil {
		return Fault{Oracle: oracle.Agreement, Seen: oneLine(m[3]), Stack: []reports.StackFrame{{Function: "test", File: m[1], Line: int(number(m[2]))}}}
	}
	return Fault{Oracle: oracle.Panic, Seen: oneLine(firstLine(output)), Stack: stackIn(output)}
}

// keep adds inputs to a target's corpus.
func (p places) keep(t Target, inputs [][]byte) error {
	if err := os.MkdirAll(p.corpus(t), 0o755); err != nil {
		return err
	}
	for _, data := range inputs {
		path := filepath.Join(p.corpus(t), inputName(data))
		if exists(path) {
			continue
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// ended is nil when an engine that found nothing ended as it should.
func ended(ctx context.Context, err error, said string) error {
	if err == nil || ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("the engine ended: %w: %s", err, oneLine(lastLines(said, 8)))
}

func number(s string) uint64 {
	n, _ := strconv.ParseUint(s, 10, 64)
	return n
}

// goFuzz is github.com/dvyukov/go-fuzz, which runs until it is interrupted.
type goFuzz struct{ places }

func (g *goFuzz) archive(t Target) string { return filepath.Join(g.work, "build", t.Name+".zip") }

func (g *goFuzz) build(ctx context.Context, t Target) error {
	return g.tool(ctx, "go", "tool", "go-fuzz-build", "-tags", "dvyukov", "-func", t.native(), "-o", g.archive(t), "./"+t.Package)
}

var goFuzzProgress = regexp.MustCompile(`crashers: (\d+), .*execs: (\d+) .*cover: (\d+)`)

// patience is how long go-fuzz goes on after a crasher, for more of them.
const patience = 2 * time.Second

func (g *goFuzz) run(ctx context.Context, t Target, limit time.Duration, sample func(reports.FuzzSample)) (turn, error) {
	dir := filepath.Join(g.work, "go-fuzz", t.Name)
	crashers := filepath.Join(dir, "crashers")
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(crashers, 0o755)); err != nil {
		return turn{}, err
	}
	if err := os.CopyFS(filepath.Join(dir, "corpus"), os.DirFS(g.corpus(t))); err != nil {
		return turn{}, err
	}
	cmd := exec.Command("go", "tool", "go-fuzz", "-bin", g.archive(t), "-workdir", dir, "-procs", strconv.Itoa(g.workers))
	cmd.Dir = g.root
	start, ran := time.Now(), false
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	result, err := attack(limited, limit, cmd, func(line string) {
		m := goFuzzProgress.FindStringSubmatch(line)
		if m == nil {
			return
		}
		ran = ran || number(m[3]) > 0 // it counts executions late
		sample(reports.FuzzSample{Elapsed: time.Since(start), Executions: number(m[2]), Coverage: number(m[3])})
		if number(m[1]) > 0 {
			time.AfterFunc(patience, cancel)
		}
	})
	result.crashers = goFuzzCrashers(crashers)
	found, _ := readCorpus(filepath.Join(dir, "corpus"))
	if kept := g.keep(t, found); kept != nil {
		return result, kept
	}
	if limited.Err() == nil || !ran && len(result.crashers) == 0 && ctx.Err() == nil {
		return result, fmt.Errorf("go-fuzz did not run: %w: %s", errors.Join(err), oneLine(lastLines(result.said, 8)))
	}
	return result, nil
}

// goFuzzCrashers leaves out what go-fuzz writes beside each input.
func goFuzzCrashers(dir string) (inputs [][]byte) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if strings.Contains(e.Name(), ".") {
			continue
		}
		if data, err := os.ReadFile(filepath.Join(dir, e.Name())); err == nil {
			inputs = append(inputs, data)
		}
	}
	return inputs
}

// libFuzzer is the engine of OSS-Fuzz and ClusterFuzzLite, by their way of
// building it (libfuzzer.sh).
type libFuzzer struct{ places }

func (l *libFuzzer) binary(t Target) string {
	return filepath.Join(l.work, "build", t.Name+".libfuzzer")
}

func (l *libFuzzer) build(ctx context.Context, t Target) error {
	for program, why := range map[string]string{"clang": "libFuzzer programs are linked by it", "go": "targets are built here"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("%w: %s is not installed: %s", errors.ErrUnsupported, program, why)
		}
	}
	return l.tool(ctx, filepath.Join(l.root, "fuzz", "libfuzzer.sh"), "./"+t.Package, t.native(), l.binary(t))
}

// dictionary is the target's own, or that of all of its package.
func (l *libFuzzer) dictionary(t Target) string {
	dir := filepath.Join(l.root, "fuzz", "oss-fuzz")
	if own := filepath.Join(dir, t.Name+".dict"); exists(own) {
		return own
	}
	return filepath.Join(dir, filepath.Base(t.Package)+".dict")
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

var (
	libFuzzerProgress = regexp.MustCompile(`^#(\d+)\s.*cov: (\d+)`)
	libFuzzerTotal    = regexp.MustCompile(`number_of_executed_units: (\d+)`)
)

func (l *libFuzzer) run(ctx context.Context, t Target, limit time.Duration, sample func(reports.FuzzSample)) (turn, error) {
	crashers := filepath.Join(l.work, "libfuzzer", t.Name)
	if err := errors.Join(os.RemoveAll(crashers), os.MkdirAll(crashers, 0o755), os.MkdirAll(l.corpus(t), 0o755)); err != nil {
		return turn{}, err
	}
	cmd := exec.Command(l.binary(t), "-max_total_time="+strconv.Itoa(max(1, int(limit.Seconds()))), "-max_len=4096", "-timeout=10",
		"-rss_limit_mb=2048", "-print_final_stats=1", "-artifact_prefix="+crashers+"/", "-dict="+l.dictionary(t), l.corpus(t))
	start, coverage := time.Now(), uint64(0)
	result, err := attack(ctx, limit+30*time.Second, cmd, func(line string) {
		if m := libFuzzerProgress.FindStringSubmatch(line); m != nil {
			coverage = number(m[2])
			sample(reports.FuzzSample{Elapsed: time.Since(start), Executions: number(m[1]), Coverage: coverage})
		}
	})
	if m := libFuzzerTotal.FindStringSubmatch(result.said); m != nil {
		sample(reports.FuzzSample{Elapsed: time.Since(start), Executions: number(m[1]), Coverage: coverage})
	}
	result.crashers, _ = readCorpus(crashers)
	if len(result.crashers) > 0 {
		return result, nil
	}
	return result, ended(ctx, err, result.said)
}
