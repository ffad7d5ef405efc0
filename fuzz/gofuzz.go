package fuzz

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
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

// build builds the target unless its archive is of these sources. Only what the target is for is
// instrumented: the packages of this module, and those of gopacket for its own targets. All of it
// would take minutes and gigabytes.
func (g *goFuzz) build(ctx context.Context, t Target) error {
	packages, err := g.packages(ctx, t)
	if err != nil {
		return err
	}
	version, err := g.output(ctx, "go", "env", "GOVERSION")
	if err != nil {
		return err
	}
	key, err := g.key(string(version), packages)
	if err != nil {
		return err
	}
	keyFile := g.archive(t) + ".key"
	overlaid := strings.Contains(os.Getenv("GOFLAGS"), "-overlay") // then these are not the sources
	if old, err := os.ReadFile(keyFile); err == nil && string(old) == key && exists(g.archive(t)) && !overlaid {
		return nil
	}
	var preserved []string
	for _, p := range packages {
		if !p.own && !(t.Foreign && strings.HasPrefix(p.path, "github.com/gopacket/")) {
			preserved = append(preserved, p.path)
		}
	}
	err = g.tool(ctx, "go", "tool", "go-fuzz-build", "-preserve", strings.Join(preserved, ","), "-tags", goFuzzTag, "-func", t.native(), "-o", g.archive(t), "./"+t.Package)
	if err != nil {
		return err
	}
	return os.WriteFile(keyFile, []byte(key), 0o644)
}

// goFuzzTag is the build tag of the harnesses under the names that go-fuzz-build expects.
const goFuzzTag = "dvyukov"

// dependency is a package that a target is built of.
type dependency struct {
	path  string
	own   bool     // of this module
	files []string // its sources, with those that it embeds
}

// packages returns the packages that a target is built of, itself included.
func (g *goFuzz) packages(ctx context.Context, t Target) (all []dependency, err error) {
	const form = `{{.ImportPath}}{{"\t"}}{{if .Module}}{{.Module.Main}}{{end}}{{range .GoFiles}}{{"\t"}}{{$.Dir}}/{{.}}{{end}}{{range .EmbedFiles}}{{"\t"}}{{$.Dir}}/{{.}}{{end}}`
	out, err := g.output(ctx, "go", "list", "-deps", "-tags", goFuzzTag, "-f", form, "./"+t.Package)
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(out)) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		all = append(all, dependency{path: fields[0], own: fields[1] == "true", files: fields[2:]})
	}
	return all, nil
}

// key returns a hash of what a build follows from: the version of Go, the module's sources and the
// versions of all others.
func (g *goFuzz) key(version string, packages []dependency) (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, version)
	files := []string{filepath.Join(g.root, "go.mod"), filepath.Join(g.root, "go.sum")}
	for _, p := range packages {
		if p.own {
			files = append(files, p.files...)
		}
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%s %d\n%s", path, len(text), text)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

var goFuzzProgress = regexp.MustCompile(`crashers: (\d+), .*execs: (\d+) .*cover: (\d+)`)

// goFuzzStart is how long go-fuzz may take before it attacks: its time is the time under attack.
const goFuzzStart = 3 * time.Minute

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
	temp, err := ownTemp(dir)
	if err != nil {
		return turn{}, err
	}
	cmd := exec.Command("go", "tool", "go-fuzz", "-bin", g.archive(t), "-workdir", dir, "-procs", strconv.Itoa(g.workers))
	cmd.Dir, cmd.Env = g.root, append(os.Environ(), temp)
	start, ran := time.Now(), false
	limited, cancel := context.WithTimeout(ctx, limit+goFuzzStart)
	defer cancel()
	result, err := attack(limited, limit+goFuzzStart, cmd, func(line string) {
		m := goFuzzProgress.FindStringSubmatch(line)
		if m == nil {
			return
		}
		if !ran && number(m[2])+number(m[3]) > 0 {
			ran, start = true, time.Now()
			time.AfterFunc(limit, cancel)
		}
		if number(m[1]) > 0 {
			time.AfterFunc(crashGrace, cancel)
		}
		if ran {
			sample(report.Sample{Elapsed: time.Since(start), Executions: number(m[2]), Coverage: number(m[3])})
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
