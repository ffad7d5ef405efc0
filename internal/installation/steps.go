package installation

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/tunnelbench/tunnelbench/recipes"
)

// Step is a command of an installation.
type Step struct {
	Args []string
	env  []string
	apt  bool // it changes the system's packages
}

// String returns the command as it is written in a shell.
func (s Step) String() string {
	words := make([]string, len(s.Args))
	for i, word := range s.Args {
		if words[i] = word; strings.ContainsAny(word, " $'\"") {
			words[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
	}
	return strings.Join(append(slices.Clone(s.env), words...), " ")
}

// work is the folder of one installation that is under way.
type work string

func (w work) out() string     { return filepath.Join(string(w), "out") }
func (w work) sources() string { return filepath.Join(string(w), "sources") }
func (w work) cargo() string   { return filepath.Join(string(w), "cargo") }

// work returns the folder of an installation of the recipe by this process.
func (p Place) work(r recipes.Recipe) work {
	return work(filepath.Join(string(p), "."+r.Name+"."+strconv.Itoa(os.Getpid())))
}

// Steps returns what Install runs for a recipe.
func (p Place) Steps(r recipes.Recipe) []Step {
	return slices.Concat(aptSteps(r), buildSteps(r, p.work(r)))
}

// aptSteps returns the steps for packages that are not there.
func aptSteps(r recipes.Recipe) []Step {
	missing := slices.DeleteFunc(slices.Clone(r.Install.Apt), packaged)
	if len(missing) == 0 {
		return nil
	}
	install := append([]string{"apt-get", "install", "-y", "--no-install-recommends"}, missing...)
	return []Step{{Args: []string{"apt-get", "update"}, apt: true}, {Args: install, env: []string{"DEBIAN_FRONTEND=noninteractive"}, apt: true}}
}

// packaged reports whether a package of the system is installed (dpkg-query(1)).
func packaged(name string) bool {
	said, err := output("dpkg-query", "-W", "-f", "${Status}", name)
	return err == nil && strings.HasSuffix(said, " installed")
}

// buildSteps returns the steps that put programs into a folder.
func buildSteps(r recipes.Recipe, w work) (all []Step) {
	for _, pkg := range r.Install.Go {
		all = append(all, Step{Args: []string{"go", "install", "-trimpath", pkg}, env: []string{"GOBIN=" + w.out()}})
	}
	for _, crate := range r.Install.Cargo {
		all = append(all, Step{Args: []string{"cargo", "install", "--locked", "--root", w.cargo(), crate}})
	}
	for _, pkg := range r.Install.NPM {
		all = append(all, Step{Args: []string{"npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", w.out(), pkg}})
	}
	for _, command := range r.Install.Build {
		all = append(all, Step{Args: []string{"sh", "-euc", command}, env: []string{"OUT=" + w.out()}})
	}
	return all
}

// environment returns the environment of the steps. The caches of Go, Cargo and npm are the user's, unless the home
// folder is somebody else's: under sudo, root would leave files there that its owner cannot remove.
func (w work) environment() []string {
	env := append(os.Environ(), "CARGO_TARGET_DIR="+filepath.Join(string(w), "target"))
	if home, err := os.UserHomeDir(); err == nil && owned(home) {
		return env
	}
	env = append(env, "GOFLAGS=-modcacherw")
	for name, folder := range map[string]string{"GOPATH": "gopath", "GOCACHE": "gocache", "CARGO_HOME": "cargohome", "npm_config_cache": "npm"} {
		env = append(env, name+"="+filepath.Join(string(w), folder))
	}
	return env
}
