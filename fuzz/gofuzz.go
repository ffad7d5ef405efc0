package fuzz

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/fuzz/report"
)

// goFuzz is github.com/dvyukov/go-fuzz, which runs until it is interrupted.
type goFuzz struct{ places }

func (g *goFuzz) archive(t Target) string { return filepath.Join(g.work, "build", t.Name+".zip") }

func (g *goFuzz) build(ctx context.Context, t Target) error {
	return g.tool(ctx, "go", "tool", "go-fuzz-build", "-tags", "dvyukov", "-func", t.native(), "-o", g.archive(t), "./"+t.Package)
}

var goFuzzProgress = regexp.MustCompile(`crashers: (\d+), .*execs: (\d+) .*cover: (\d+)`)

// crashGrace is how long go-fuzz continues after a crasher, to find more.
const crashGrace = 2 * time.Second

func (g *goFuzz) run(ctx context.Context, t Target, limit time.Duration, sample func(report.Sample)) (turn, error) {
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
		ran = ran || number(m[3]) > 0 // go-fuzz reports executions late
		sample(report.Sample{Elapsed: time.Since(start), Executions: number(m[2]), Coverage: number(m[3])})
		if number(m[1]) > 0 {
			time.AfterFunc(crashGrace, cancel)
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

// goFuzzCrashers reads the crashers, without the other files that go-fuzz writes beside each input.
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
