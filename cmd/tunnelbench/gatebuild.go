package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports"
)

// gateSide is one revision, checked out and built in several layouts.
type gateSide struct {
	name     string // reports.BaseSide or reports.HeadSide
	revision string // as asked for
	commit   string
	builds   []reports.SetBuild
	devices  []dut.Device // of the builds
}

// gateBuilder builds both sides below one directory that it can throw away.
type gateBuilder struct {
	repo, dir string
	spec      string // --dut
	command   string // --build; empty: this program's own
	log       io.Writer
}

// resolve finds the side's commit.
func (g gateBuilder) resolve(ctx context.Context, side *gateSide) (err error) {
	if side.commit, err = g.git(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", side.revision+"^{commit}"); err != nil {
		return badUsage("--%s %q: no such revision in %s", side.name, side.revision, g.repo)
	}
	return nil
}

// make checks a side out, once for each layout where builds change the tree, and builds it.
func (g gateBuilder) make(ctx context.Context, side *gateSide, layouts []int) error {
	tree := ""
	for i, layout := range layouts {
		if tree == "" || g.command != "" { // our own builds leave the tree as it was
			tree = filepath.Join(g.dir, side.name+"-"+strconv.Itoa(layout))
			if err := g.checkOut(ctx, side.commit, tree); err != nil {
				return err
			}
		}
		fmt.Fprintf(g.log, "building %s %.12s, layout %d (%d of %d)\n", side.name, side.commit, layout, i+1, len(layouts))
		if err := g.build(ctx, side, tree, layout); err != nil {
			return err
		}
	}
	return nil
}

// checkOut makes a tree of its own: neither the user's tree nor its worktrees are touched.
func (g gateBuilder) checkOut(ctx context.Context, commit, tree string) error {
	if _, err := g.git(ctx, "clone", "--quiet", "--shared", "--no-checkout", "--", g.repo, tree); err != nil {
		return err
	}
	_, err := g.git(ctx, "-C", tree, "checkout", "--quiet", "--detach", commit)
	return err
}

func (g gateBuilder) git(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = g.repo
	var why bytes.Buffer
	cmd.Stderr = &why
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, firstWords(why.String()))
	}
	return strings.TrimSpace(string(out)), nil
}

// build adds one build of a side.
func (g gateBuilder) build(ctx context.Context, side *gateSide, tree string, layout int) error {
	what := built{spec: g.spec, tree: tree}
	flags := "-trimpath -buildvcs=false"
	if layout > 0 {
		flags += " -ldflags=-randlayout=" + strconv.Itoa(layout)
	}
	if g.command == "" {
		what.binary = filepath.Join(tree, "tunnelbench-"+strconv.Itoa(layout))
		args := append(append([]string{"build"}, strings.Fields(flags)...), "-o", what.binary, "./cmd/tunnelbench")
		if err := runBuild(ctx, tree, []string{"CGO_ENABLED=0"}, "go", args...); err != nil {
			return buildError{side.name, err}
		}
	} else if err := runBuild(ctx, tree, []string{"GOFLAGS=" + flags, "TB_LAYOUT=" + strconv.Itoa(layout)}, "sh", "-c", g.command); err != nil {
		return buildError{side.name, err}
	}
	device, err := dut.Parse(what.device(g.command == ""))
	if err != nil {
		return buildError{side.name, err}
	}
	sum, octets, err := fingerprint(what.binary, tree)
	if err != nil {
		return err
	}
	side.devices = append(side.devices, device)
	side.builds = append(side.builds, reports.SetBuild{SHA256: sum, Layout: layout, Octets: octets})
	return nil
}

// built is how a build is named as a device.
type built struct {
	spec, tree, binary string
}

// device is the build as --dut takes it: a role of the binary, or the program in the tree.
func (b built) device(own bool) string {
	if !own {
		return "exec:" + filepath.Join(b.tree, strings.TrimPrefix(b.spec, "exec:"))
	}
	name, params, has := strings.Cut(b.spec, ":")
	if has {
		params = ":" + params
	}
	return name + "@" + b.binary + params
}

// buildError is a side that does not build: the head's is bad input, the base's the
// environment's fault.
type buildError struct {
	side string
	error
}

func (e buildError) Error() string { return fmt.Sprintf("the %s does not build: %v", e.side, e.error) }
func (e buildError) Unwrap() error { return e.error }

func runBuild(ctx context.Context, dir string, env []string, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, lastWords(string(out)))
	}
	return nil
}

// lastWords are the last lines of what a build said.
func lastWords(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-3):], "; ")
}

// fingerprint is the hash and size of a binary; of a whole tree, whose size is not
// told, where there is none.
func fingerprint(binary, tree string) (sum string, octets int64, err error) {
	h := sha256.New()
	if binary != "" {
		octets, err = hashFile(h, binary)
		return hex.EncodeToString(h.Sum(nil)), octets, err
	}
	err = filepath.WalkDir(tree, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == ".git":
			return fs.SkipDir
		case !d.Type().IsRegular():
			return nil
		}
		fmt.Fprintf(h, "%q\n", strings.TrimPrefix(path, tree))
		_, err = hashFile(h, path)
		return err
	})
	return hex.EncodeToString(h.Sum(nil)), 0, err
}

func hashFile(h io.Writer, path string) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return io.Copy(h, f)
}
