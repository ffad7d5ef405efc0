// Package revision checks out the two revisions that a gate compares and builds each in several
// link layouts, so that a layout effect is not taken for the change. It works in its own directory
// and does not touch the user's tree or worktrees.
//
//	git clone --shared ──► checkout ──► build, layout 0..n ──► devices and hashes
package revision

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

	"github.com/tunnelbench/tunnelbench/ci/gate"
	"github.com/tunnelbench/tunnelbench/netns/dut"
)

// Side is one revision, checked out and built in several layouts.
type Side struct {
	Name     string // gate.BaseSide or gate.HeadSide
	Revision string // as the user named it
	Commit   string
	Builds   []gate.Build
	Devices  []dut.Device // one per build
}

// make checks out a side and builds it. If builds change the tree, it checks out once per layout.
func (g builder) make(ctx context.Context, side *Side, layouts []int) error {
	tree := ""
	for i, layout := range layouts {
		if tree == "" || g.Command != "" { // builds of this program do not change the tree
			tree = filepath.Join(g.dir, side.Name+"-"+strconv.Itoa(layout))
			if err := g.checkOut(ctx, side.Commit, tree); err != nil {
				return err
			}
		}
		fmt.Fprintf(g.Log, "building %s %.12s, layout %d (%d of %d)\n", side.Name, side.Commit, layout, i+1, len(layouts))
		if err := g.build(ctx, side, tree, layout); err != nil {
			return err
		}
	}
	return nil
}

// checkOut clones the repository into a new tree, without touching the user's tree or worktrees.
func (g builder) checkOut(ctx context.Context, commit, tree string) error {
	if _, err := g.git(ctx, "clone", "--quiet", "--shared", "--no-checkout", "--", g.root, tree); err != nil {
		return err
	}
	_, err := g.git(ctx, "-C", tree, "checkout", "--quiet", "--detach", commit)
	return err
}

func (g builder) git(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = g.root
	var why bytes.Buffer
	cmd.Stderr = &why
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, dut.FirstLine(why.String()))
	}
	return strings.TrimSpace(string(out)), nil
}

// build adds one build to a side.
func (g builder) build(ctx context.Context, side *Side, tree string, layout int) error {
	what := built{spec: g.Device, tree: tree}
	flags := "-trimpath -buildvcs=false"
	if layout > 0 {
		flags += " -ldflags=-randlayout=" + strconv.Itoa(layout)
	}
	if g.Command == "" {
		what.binary = filepath.Join(tree, "tunnelbench-"+strconv.Itoa(layout))
		args := append(append([]string{"build"}, strings.Fields(flags)...), "-o", what.binary, "./cmd/tunnelbench")
		if err := runBuild(ctx, tree, []string{"CGO_ENABLED=0"}, "go", args...); err != nil {
			return BuildError{side.Name, err}
		}
	} else if err := runBuild(ctx, tree, []string{"GOFLAGS=" + flags, "TB_LAYOUT=" + strconv.Itoa(layout)}, "sh", "-c", g.Command); err != nil {
		return BuildError{side.Name, err}
	}
	device, err := dut.Parse(what.device(g.Command == ""))
	if err != nil {
		return BuildError{side.Name, err}
	}
	sum, octets, err := fingerprint(what.binary, tree)
	if err != nil {
		return err
	}
	side.Devices = append(side.Devices, device)
	side.Builds = append(side.Builds, gate.Build{SHA256: sum, Layout: layout, Octets: octets})
	return nil
}

// built is the description of a build from which its device spec is made.
type built struct {
	spec, tree, binary string
}

// device returns the value for --dut that selects this build. If own is true, that is a built-in
// device of the tunnelbench binary that was built; otherwise it is a program in the build's source
// tree.
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

// BuildError reports a side that does not build. For the head it is bad input, for the base a fault
// of the environment.
type BuildError struct {
	Side string
	Err  error
}

func (e BuildError) Error() string { return fmt.Sprintf("the %s does not build: %v", e.Side, e.Err) }

// Unwrap returns the error of the build.
func (e BuildError) Unwrap() error { return e.Err }

func runBuild(ctx context.Context, dir string, env []string, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, lastWords(string(out)))
	}
	return nil
}

// lastWords returns the last lines of a build's output.
func lastWords(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-3):], "; ")
}

// fingerprint returns the hash and size of a binary. Without a binary it returns the hash of the
// whole tree and no size.
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

// CheckDevice returns an error for a device that a gate cannot build. It can build this program's
// tunnels, and programs of the repository with their own build command.
func CheckDevice(spec, command string) error {
	path, foreign := strings.CutPrefix(spec, "exec:")
	switch {
	case !foreign && command != "":
		return fmt.Errorf("--build: %s is a tunnel of this program, which the gate builds itself", spec)
	case foreign && command == "":
		return fmt.Errorf("--dut %s: --build COMMAND says how its tree is built; write --build true where nothing is", spec)
	case foreign && (filepath.IsAbs(path) || !filepath.IsLocal(path)):
		return fmt.Errorf("--dut %s: the path has to be one within the repository", spec)
	case foreign:
		return nil
	}
	d, err := dut.Parse(spec)
	if err != nil {
		return err
	}
	if d.Up == nil || !d.Builtin || d.Build != "" {
		return fmt.Errorf("--dut %s: the gate builds tunnels of this program, and exec: ones", spec)
	}
	return nil
}
