package fuzz

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/fuzz/report"
)

// engine is a fuzz engine: a program that generates inputs.
type engine interface {
	// build builds the target, once for all targets of a package.
	build(ctx context.Context, t Target) error
	// run attacks a target until limit has passed, ctx is done, or it found something. It starts with the
	// corpus and adds inputs that reach new code.
	run(ctx context.Context, t Target, limit time.Duration, sample func(report.Sample)) (turn, error)
}

// turn is the result of one run of an engine.
type turn struct {
	crashers [][]byte
	cpu      time.Duration
	said     string // the last lines that the engine printed, for errors
}

// Engines are the values of `fuzz run --engine`.
var Engines = []string{nativeEngine, goFuzzEngine, libFuzzerEngine}

const (
	nativeEngine    = "native"
	goFuzzEngine    = "go-fuzz"
	libFuzzerEngine = "libfuzzer"
)

// places are the folders of a campaign.
type places struct {
	root    string // of the module
	work    string // of the campaign: builds and corpora
	workers int
}

// corpus returns the folder of a target's inputs, one input in each file.
func (p places) corpus(t Target) string { return filepath.Join(p.work, "corpus", t.Name) }

func (p places) newEngine(name string) (engine, error) {
	if err := os.RemoveAll(filepath.Join(p.work, "build-temp")); err != nil {
		return nil, err
	}
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
	_, err := p.output(ctx, name, args...)
	return err
}

// output runs a program of the toolchain in the module and returns its standard output.
func (p places) output(ctx context.Context, name string, args ...string) ([]byte, error) {
	var out, said bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.root, &out, &said
	temp := filepath.Join(p.work, "build-temp") // what a build that is killed leaves lies below the campaign's folder
	if err := os.MkdirAll(temp, 0o755); err != nil {
		return nil, err
	}
	cmd.Env = append(os.Environ(), "GOTMPDIR="+temp)
	err := cmd.Run()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return nil, fmt.Errorf("%w: %s is not installed, but targets are built on this machine", errors.ErrUnsupported, name)
	case err != nil:
		return nil, fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, oneLine(lastLines(said.String()+out.String(), 5)))
	}
	return out.Bytes(), nil
}

// ownTemp makes a folder of an engine's own for its temporary files, and returns the variable that names it. Engines
// share memory with their workers by files there, which stay behind if all are killed. The next run removes them.
func ownTemp(dir string) (string, error) {
	temp := filepath.Join(dir, "shared")
	return "TMPDIR=" + temp, errors.Join(os.RemoveAll(temp), os.MkdirAll(temp, 0o755))
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// attack runs an engine's program until it ends. It interrupts the program when limit has passed or ctx is
// done. It passes each line of output to saw.
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
	kill(cmd) // workers that may be left
	if cmd.ProcessState != nil {
		t.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	return t, err
}

// listen passes on each line and returns the last lines.
func listen(out io.Reader, saw func(string)) string {
	const kept = 60
	var last []string
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		saw(lines.Text())
		last = append(last[max(0, len(last)-kept):], lines.Text())
	}
	_, _ = io.Copy(io.Discard, out) // after too long a line, the program must not block on a full pipe
	return strings.Join(last, "\n")
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

// ended returns nil if an engine that found nothing ended normally.
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

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
