package fuzz

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/fuzz/report"
)

// native is `go test -fuzz` with a test binary that is built once for each package.
type native struct{ places }

func (n *native) binary(t Target) string {
	return filepath.Join(n.work, "build", strings.ReplaceAll(t.Package, "/", "-")+".test")
}

func (n *native) build(ctx context.Context, t Target) error {
	return n.tool(ctx, "go", "test", "-c", "-vet=off", "-fuzz=.", "-o", n.binary(t), "./"+t.Package)
}

// SeedsVariable is an environment variable. The value off makes a native target omit its seeds.
const SeedsVariable = "TB_FUZZ_SEEDS"

var (
	nativeProgress = regexp.MustCompile(`execs: (\d+) .*\(total: (\d+)\)`)
	nativeFailure  = regexp.MustCompile(`Failing input written to (\S+)`)
)

// run converts the corpus to go test's format and back. The engine reads seeds below its working folder
// and writes failing inputs there.
func (n *native) run(ctx context.Context, t Target, limit time.Duration, sample func(report.Sample)) (turn, error) {
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
	temp, err := ownTemp(dir)
	if err != nil {
		return turn{}, err
	}
	cmd := exec.Command(n.binary(t), "-test.run=^$", "-test.fuzz=^"+t.native()+"$", "-test.fuzztime="+limit.String(),
		"-test.fuzzminimizetime=0x", "-test.parallel="+strconv.Itoa(n.workers), "-test.fuzzcachedir="+filepath.Join(dir, "cache"))
	cmd.Dir, cmd.Env = dir, append(os.Environ(), temp, SeedsVariable+"=off") // the corpus already has the seeds that pass
	start, failing := time.Now(), ""
	result, err := attack(ctx, limit+30*time.Second, cmd, func(line string) {
		if m := nativeProgress.FindStringSubmatch(line); m != nil {
			sample(report.Sample{Elapsed: time.Since(start), Executions: number(m[1]), Coverage: number(m[2])})
		}
		if m := nativeFailure.FindStringSubmatch(line); m != nil {
			failing = m[1]
		}
	})
	if failing != "" { // before anything else: a full disk must not lose a finding
		data, unreadable := ReadInput(context.WithoutCancel(ctx), filepath.Join(dir, failing))
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

// endsLate reports whether go test failed only because it did not stop in time, as it may on a busy
// machine (golang.org/issue/75804).
func endsLate(said string) bool {
	return strings.Contains(said, "context deadline exceeded") && !strings.Contains(said, "Failing input")
}

// check runs one input with go test, for targets without a harness function.
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
