package git

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	osuser "os/user"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tunnelbench/tunnelbench/internal/subprocess"
)

// results is the folder that verbs write their results into, unless told otherwise.
const results = "out"

// Uncommitted returns the number of files in the work tree that differ from its commit, and the name
// of one. Results are left out, and what the user's own git ignores.
func (r *Repository) Uncommitted(ctx context.Context) (n int, first string, err error) {
	if r.top == "" {
		return 0, "", nil
	}
	args := append(r.userSettings(ctx), "status", "--porcelain", "-z", "--no-renames", "--ignore-submodules=none", "--untracked-files=normal",
		"--", ":(top)", ":(top,exclude)"+results)
	out, err := r.run(ctx, args...)
	for _, entry := range fields(out) {
		const state = 3 // octets before the path
		if len(entry) <= state || entry[:state] == " M " && r.sameInLFS(ctx, entry[state:]) {
			continue
		}
		if n++; n == 1 {
			first = entry[state:]
		}
	}
	return n, first, err
}

// userSettings returns options for those of the user's settings that say which files count as changed.
// They name no program that would run.
func (r *Repository) userSettings(ctx context.Context) (options []string) {
	env, home := Clean(os.Environ()), userHome()
	env = slices.DeleteFunc(env, func(pair string) bool { return strings.HasPrefix(pair, "HOME=") })
	values := map[string]string{"core.excludesFile": filepath.Join(configHome(home), "git", "ignore")} // gitignore(5)
	for _, name := range []string{"core.excludesFile", "core.autocrlf", "core.eol"} {
		var out bytes.Buffer
		args := []string{"git", "-c", "safe.directory=*", "config", "--type=path", "--get", name}
		if err := (subprocess.Command{Dir: r.dir, Env: append(env, "HOME="+home), Args: args, Out: &out}).Run(ctx); err == nil {
			values[name] = strings.TrimSuffix(out.String(), "\n")
		}
		if value, set := values[name]; set {
			options = append(options, "-c", name+"="+value)
		}
	}
	return options
}

// configHome returns the directory of a user's configuration files.
func configHome(home string) string {
	if dir := os.Getenv("XDG_CONFIG_HOME"); filepath.IsAbs(dir) {
		return dir
	}
	return filepath.Join(home, ".config")
}

// userHome returns the home of the user, who may have become root by sudo.
func userHome() string {
	home := os.Getenv("HOME")
	root, err := osuser.LookupId("0")
	if err != nil || home != root.HomeDir {
		return home
	}
	if self, err := osuser.LookupId(os.Getenv("SUDO_UID")); err == nil {
		return self.HomeDir
	}
	return home
}

// sameInLFS reports whether a file of the work tree is the one that a pointer of Git LFS in the index
// stands for. The user's git asks git-lfs, which is not run here.
func (r *Repository) sameInLFS(ctx context.Context, path string) bool {
	attribute, err := r.run(ctx, "-C", r.top, "check-attr", "-z", "filter", "--", path)
	if parts := fields(attribute); err != nil || len(parts) != 3 || parts[2] != "lfs" {
		return false
	}
	text, err := r.run(ctx, "cat-file", "blob", ":"+path)
	found := pointer.FindStringSubmatch(text + "\n")
	if err != nil || found == nil {
		return false
	}
	f, err := os.Open(filepath.Join(r.top, path))
	if err != nil {
		return false
	}
	defer f.Close()
	sum := sha256.New()
	_, err = io.Copy(sum, f)
	return err == nil && hex.EncodeToString(sum.Sum(nil)) == found[1]
}
