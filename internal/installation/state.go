// Package installation says which recipes this machine has the programs of, and installs them.
//
//	apt packages ─────────────────────────────► where the system has its programs
//	go, cargo, npm, build ──► .NAME.PID/out ──► /usr/local/lib/tunnelbench/NAME     by renaming
//	                          .NAME.PID/...     caches and sources: removed in any case
//
// Nothing is installed unless Install is called: a measurement only looks.
package installation

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/recipes"
)

// Place is the folder below which each recipe has a folder of the programs that were built for it.
type Place string

// Usual is where the scripts of recipes look.
const Usual Place = "/usr/local/lib/tunnelbench"

// State is what this machine has of a recipe.
type State struct {
	Programs []Program
	Outdated bool   // what is there was built from another version of the recipe, or not for it at all
	Version  string // what the program says of itself, one line; empty: nothing
}

// Program is a program of a recipe.
type Program struct {
	Name string
	Path string // empty: it is not there
}

// Installed reports whether the recipe can run as far as its programs go.
func (s State) Installed() bool { return !s.Outdated && len(s.Missing()) == 0 }

// Missing returns the names of the programs that are not there.
func (s State) Missing() (names []string) {
	for _, p := range s.Programs {
		if p.Path == "" {
			names = append(names, p.Name)
		}
	}
	return names
}

// stamp is the file that says from which version of a recipe a folder of programs was built.
const stamp = ".recipe"

// Of looks for the recipe's programs and asks for their version.
func (p Place) Of(ctx context.Context, r recipes.Recipe) State {
	s := p.look(r)
	if builds(r) {
		want, err := digest(r)
		have, readErr := os.ReadFile(filepath.Join(p.folder(r), stamp))
		s.Outdated = err != nil || readErr != nil || string(have) != want
	}
	if s.Installed() {
		s.Version = p.version(ctx, r)
	}
	return s
}

// look finds the programs. What was built for the recipe comes before what the system has.
func (p Place) look(r recipes.Recipe) (s State) {
	dirs := p.path(r)
	for _, name := range r.Programs {
		s.Programs = append(s.Programs, Program{name, find(dirs, name)})
	}
	return s
}

func (p Place) folder(r recipes.Recipe) string { return filepath.Join(string(p), r.Name) }

// path returns the folders in which the programs are looked for. PATH of a user may lack those of root's.
func (p Place) path(r recipes.Recipe) []string {
	dirs := []string{p.folder(r), filepath.Join(p.folder(r), "node_modules", ".bin")}
	dirs = append(dirs, filepath.SplitList(os.Getenv("PATH"))...)
	return append(dirs, "/usr/local/sbin", "/usr/sbin", "/sbin")
}

// find returns the path of a program in one of the folders; empty: it is in none.
func find(dirs []string, name string) string {
	for _, dir := range dirs {
		if dir == "" {
			continue
		}
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path
		}
	}
	return ""
}

// version returns the first line that the recipe's version command prints. Some programs print it on stderr, or
// end with a status that is not 0.
func (p Place) version(ctx context.Context, r recipes.Recipe) string {
	if len(r.Version) == 0 {
		return ""
	}
	program := find(p.path(r), r.Version[0])
	if program == "" {
		return ""
	}
	const limit = 5 * time.Second
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, r.Version[1:]...)
	cmd.WaitDelay = time.Second
	said, _ := cmd.CombinedOutput()
	for line := range strings.Lines(string(said)) {
		if line = strings.TrimSpace(line); line != "" {
			const most = 80
			return line[:min(len(line), most)]
		}
	}
	return ""
}

// builds reports whether something is built for the recipe, at versions that it names.
func builds(r recipes.Recipe) bool {
	i := r.Install
	return len(i.Go)+len(i.Cargo)+len(i.NPM)+len(i.Build) > 0
}

// digest returns a hash of all that decides what is built: the versions, and the sources if there are any.
func digest(r recipes.Recipe) (string, error) {
	i := r.Install
	h := sha256.New()
	fmt.Fprintf(h, "%q\n", slices.Concat(i.Go, i.Cargo, i.NPM, i.Build))
	if len(i.Build) == 0 {
		return hex.EncodeToString(h.Sum(nil)), nil
	}
	err := fs.WalkDir(r.Files(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path == recipes.Sheet || path == recipes.Script {
			return err
		}
		text, err := fs.ReadFile(r.Files(), path)
		fmt.Fprintf(h, "%q %x\n", path, sha256.Sum256(text))
		return err
	})
	return hex.EncodeToString(h.Sum(nil)), err
}
