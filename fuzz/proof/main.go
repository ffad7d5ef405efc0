// Command proof measures what the fuzz targets can find. It plants bugs in copies of the decoders, builds
// one program with all of them, and lets each target search for its bug, starting from the committed
// seeds. For comparison it repeats each search with the oracle "panic" alone. Bugs that no input can show
// are for a test, which has to fail.
//
//	go run ./fuzz/proof --out out/proof
//
// It needs the Go toolchain and the source. Exit status: 0 all bugs were found, 3 a bug was not found,
// 1 a bug could not be tried.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/fuzz"
	"github.com/tunnelbench/tunnelbench/fuzz/oracle"
	"github.com/tunnelbench/tunnelbench/fuzz/report"
	"github.com/tunnelbench/tunnelbench/internal/signals"
)

func main() {
	p := proof{tests: map[string]bool{}}
	flag.StringVar(&p.out, "out", "out/proof", "`directory` for builds, and for kill-table.txt and kills.jsonl")
	flag.DurationVar(&p.limit, "time", 5*time.Minute, "longest `duration` for a bug; n workers use up to n times as much CPU time")
	flag.DurationVar(&p.plain, "plain", time.Minute, "CPU `time` for each bug with the oracle panic alone; 0: skip")
	flag.IntVar(&p.workers, "workers", 1, "`number` of parallel workers")
	only := flag.String("only", "", "comma-separated `names` of bugs; default: all")
	flag.Parse()
	ctx, stop := signals.Context()
	defer stop()
	missed, err := p.run(ctx, *only)
	switch {
	case err != nil:
		fmt.Fprintln(os.Stderr, "proof:", err)
		os.Exit(1)
	case missed > 0:
		fmt.Fprintf(os.Stderr, "proof: %d planted bugs were not found\n", missed)
		os.Exit(3)
	}
}

type proof struct {
	out          string
	limit, plain time.Duration
	workers      int
	root         string
	flags        []string        // of the toolchain
	tests        map[string]bool // packages whose tests are built
}

// kill is the result of one bug.
type kill struct {
	Bug    string        `json:"bug"`
	Class  string        `json:"class"`
	Target string        `json:"target,omitempty"`
	Test   string        `json:"test,omitempty"` // PACKAGE.NAME, in place of a target
	Found  bool          `json:"found"`
	Oracle string        `json:"oracle"`
	Seed   bool          `json:"by_a_seed"` // a committed input finds it: no engine ran
	CPU    time.Duration `json:"cpu_ns"`    // of the engine, until the bug was found or in total
	Time   time.Duration `json:"elapsed_ns"`
	Plain  *bool         `json:"plain_found"` // found by panics alone; null: not tried
}

func (p *proof) run(ctx context.Context, only string) (missed int, err error) {
	if p.root, err = fuzz.Root(); err != nil {
		return 0, err
	}
	if p.out, err = filepath.Abs(p.out); err != nil {
		return 0, err
	}
	chosen := bugs
	if only != "" {
		names := strings.Split(only, ",")
		chosen = slices.DeleteFunc(slices.Clone(bugs), func(b bug) bool { return !slices.Contains(names, b.name) })
		if len(chosen) != len(names) {
			return 0, fmt.Errorf("--only %s: unknown bug", only)
		}
	}
	if err := p.build(ctx); err != nil {
		return 0, err
	}
	var kills []kill
	for _, b := range chosen {
		k, failed := p.try(ctx, b)
		if ctx.Err() != nil {
			return missed, ctx.Err()
		}
		if failed != nil { // continue with the other bugs
			err = errors.Join(err, fmt.Errorf("%s: %w", b.name, failed))
			fmt.Printf("%-22s could not be tried: %v\n", b.name, failed)
			continue
		}
		kills = append(kills, k)
		fmt.Println(line(k))
		if err := p.write(kills); err != nil {
			return 0, err
		}
		if !k.Found {
			missed++
		}
	}
	return missed, err
}

// build builds this module's command with all bugs in it.
func (p *proof) build(ctx context.Context) error {
	overlay, err := writeOverlay(p.root, filepath.Join(p.out, "planted"), bugs)
	if err != nil {
		return err
	}
	p.flags = []string{"-overlay=" + overlay, "-tags=planted"}
	cmd := exec.CommandContext(ctx, "go", append(append([]string{"build"}, p.flags...), "-o", p.program(), "./cmd/tunnelbench")...)
	cmd.Dir = p.root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

func (p *proof) program() string { return filepath.Join(p.out, "tunnelbench") }

// try searches for a bug with all oracles, then with panics alone.
func (p *proof) try(ctx context.Context, b bug) (kill, error) {
	if b.by.test != "" {
		return p.tryTest(ctx, b)
	}
	k := kill{Bug: b.name, Class: b.class, Target: b.by.target}
	t, err := p.attack(ctx, b, p.limit)
	if err != nil {
		return k, err
	}
	k.CPU, k.Time, k.Found = t.CPUTime, t.Elapsed, len(t.Findings) > 0
	if k.Found {
		f := t.Findings[0]
		k.Oracle, k.CPU, k.Time, k.Seed = f.Oracle, f.FoundCPU, f.FoundAt, f.FoundCPU == 0
		if err := p.blame(ctx, b, f); err != nil {
			return k, err
		}
	}
	if p.plain > 0 {
		t, err := p.attack(ctx, b, p.plain/time.Duration(p.workers), "TB_PANIC_ONLY=1")
		if err != nil {
			return k, err
		}
		found := slices.ContainsFunc(t.Findings, func(f report.Finding) bool { return f.Oracle == oracle.Panic })
		k.Plain = &found
	}
	return k, nil
}

// blame returns an error if the input breaks an oracle without the bug, too: then it found something else.
func (p *proof) blame(ctx context.Context, b bug, f report.Finding) error {
	path := filepath.Join(p.out, "found-"+b.name)
	if err := os.WriteFile(path, f.Input, 0o644); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, p.program(), "fuzz", "repro", "--target", b.by.target, path)
	cmd.Dir = p.root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("the input breaks an oracle without the bug, too: %w: %s", err, out)
	}
	return nil
}

// attack runs `fuzz run` of the build with the bugs, starting from the committed seeds.
func (p *proof) attack(ctx context.Context, b bug, limit time.Duration, env ...string) (t report.Target, err error) {
	dir := filepath.Join(p.out, "run")
	if err := os.RemoveAll(dir); err != nil {
		return t, err
	}
	cmd := exec.CommandContext(ctx, p.program(), "fuzz", "run", "--target", b.by.target, "--time", limit.String(),
		"--workers", fmt.Sprint(p.workers), "--out", dir, "--testdata=false", "--first")
	cmd.Dir = p.root
	cmd.Env = append(os.Environ(), "GOFLAGS="+strings.Join(p.flags, " "), "TB_PLANTED="+b.name)
	cmd.Env = append(cmd.Env, env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	out, err := cmd.CombinedOutput()
	c, unread := report.ReadFile(context.WithoutCancel(ctx), filepath.Join(dir, "fuzz.json"))
	if unread != nil || len(c.Targets) != 1 {
		return t, fmt.Errorf("%w: %s", errors.Join(err, unread), out)
	}
	if t = c.Targets[0]; t.Error != "" && len(t.Findings) == 0 {
		return t, errors.New(t.Error)
	}
	return t, ctx.Err()
}

func line(k kill) string {
	plain := "–"
	if k.Plain != nil {
		plain = map[bool]string{true: "found", false: "not found"}[*k.Plain]
	}
	switch {
	case k.Test != "" && k.Found:
		return fmt.Sprintf("%-22s %-20s killed by %s in %.1f CPU-s", k.Bug, k.Class, k.Test, k.CPU.Seconds())
	case k.Test != "":
		return fmt.Sprintf("%-22s %-20s NOT FOUND by %s", k.Bug, k.Class, k.Test)
	case k.Seed:
		return fmt.Sprintf("%-22s %-20s %-13s %-13s by a committed input; panic alone: %s", k.Bug, k.Class, k.Target, k.Oracle, plain)
	case !k.Found:
		return fmt.Sprintf("%-22s %-20s %-13s NOT FOUND in %.0f CPU-s; panic alone: %s", k.Bug, k.Class, k.Target, k.CPU.Seconds(), plain)
	}
	return fmt.Sprintf("%-22s %-20s %-13s %-13s %7.1f CPU-s %7.1f s; panic alone: %s",
		k.Bug, k.Class, k.Target, k.Oracle, k.CPU.Seconds(), k.Time.Seconds(), plain)
}

// write writes the results so far as a table and as JSON lines.
func (p *proof) write(kills []kill) error {
	var table, lines strings.Builder
	for _, k := range kills {
		fmt.Fprintln(&table, line(k))
		data, err := json.Marshal(k)
		if err != nil {
			return err
		}
		lines.Write(append(data, '\n'))
	}
	fmt.Fprintln(&table, summary(kills))
	return errors.Join(
		os.WriteFile(filepath.Join(p.out, "kill-table.txt"), []byte(table.String()), 0o644),
		os.WriteFile(filepath.Join(p.out, "kills.jsonl"), []byte(lines.String()), 0o644))
}

// summary says how many bugs were found, and how fast.
func summary(kills []kill) string {
	var times []time.Duration // of the bugs that an engine found
	plain, asked, seeds, tests := 0, 0, 0, 0
	for _, k := range kills {
		switch {
		case k.Test != "" && k.Found:
			tests++
		case k.Seed:
			seeds++
		case k.Found:
			times = append(times, k.CPU)
		}
		if k.Plain != nil {
			asked++
			if *k.Plain {
				plain++
			}
		}
	}
	text := fmt.Sprintf("%d of %d found, %d of them by a committed input alone, %d by a test", len(times)+seeds+tests, len(kills), seeds, tests)
	if len(times) > 0 {
		slices.Sort(times)
		text += fmt.Sprintf("; the others: median %.1f CPU-s, worst %.1f", times[len(times)/2].Seconds(), times[len(times)-1].Seconds())
	}
	return fmt.Sprintf("%s; by panics alone %d of %d", text, plain, asked)
}
