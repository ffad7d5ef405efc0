// Package revision checks out the two revisions that a gate compares and builds each in several
// link layouts, so that a layout effect is not taken for the change. It works in its own directory
// and does not touch the user's tree or worktrees.
//
//	repository ──► trees of their own ──► build, layout 0..n ──► devices and hashes
package revision

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
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
	Commits  []string // of the head: commits that the base does not have
	Builds   []gate.Build
	Devices  []dut.Device // one per build
	tree     string       // where it was checked out last
}

// make checks out a side and builds it. If builds change the tree, it checks out once per layout.
func (g builder) make(ctx context.Context, side *Side, layouts []int) error {
	for _, layout := range layouts {
		if side.tree == "" || g.Command != "" { // builds of this program do not change the tree
			side.tree = filepath.Join(g.dir, side.Name+"-"+strconv.Itoa(layout))
			if err := g.repo.CheckOut(ctx, side.Commit, side.tree); err != nil {
				return err
			}
		}
		fmt.Fprintf(g.Log, "building %s %.12s, layout %d (%d of %d)\n", side.Name, side.Commit, layout, len(side.Builds)+1, g.Layouts)
		if err := g.build(ctx, side, side.tree, layout); err != nil {
			return err
		}
	}
	return nil
}

// build adds one build to a side.
func (g builder) build(ctx context.Context, side *Side, tree string, layout int) error {
	what := built{spec: g.Device, tree: tree}
	flags := "-trimpath -buildvcs=false"
	if layout > 0 {
		flags += " -ldflags=-randlayout=" + strconv.Itoa(layout)
	}
	// Root's go would keep its counts below the caller's ~/.config. Another configuration directory would
	// hide what the caller has there for other tools.
	counts := "TEST_TELEMETRY_DIR=" + filepath.Join(g.dir, "telemetry")
	if g.Command == "" {
		what.binary = filepath.Join(tree, "tunnelbench-"+strconv.Itoa(layout))
		own := []string{counts, "CGO_ENABLED=0", "GOWORK=off", "GOOS=" + runtime.GOOS, "GOARCH=" + runtime.GOARCH}
		args := append(append([]string{"go", "build"}, strings.Fields(flags)...), "-o", what.binary, "./cmd/tunnelbench")
		if err := runBuild(ctx, tree, own, args...); err != nil {
			return BuildError{side.Name, err}
		}
	} else if err := runBuild(ctx, tree, []string{counts, "GOFLAGS=" + flags, "TB_LAYOUT=" + strconv.Itoa(layout)}, "sh", "-c", g.Command); err != nil {
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
