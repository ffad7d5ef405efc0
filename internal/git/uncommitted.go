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
	"strconv"
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
	if err != nil {
		return 0, "", err
	}
	const state = 3 // octets before the path
	entries, edited := fields(out), []string{}
	for _, entry := range entries {
		if strings.HasPrefix(entry, " M ") {
			edited = append(edited, entry[state:])
		}
	}
	same, err := r.sameInLFS(ctx, edited)
	for _, entry := range entries {
		if len(entry) <= state || entry[:state] == " M " && same[entry[state:]] {
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

// mostInLFS is how many files are compared with what their pointers stand for. More count as changed.
const mostInLFS = 500

// sameInLFS returns those files of the work tree that are what a pointer of Git LFS in the index stands for. The user's
// git asks git-lfs, which is not run here.
func (r *Repository) sameInLFS(ctx context.Context, paths []string) (same map[string]bool, err error) {
	paths = paths[:min(len(paths), mostInLFS)]
	if len(paths) == 0 {
		return nil, nil
	}
	attributes, err := r.runWith(ctx, strings.NewReader(strings.Join(paths, "\x00")+"\x00"), "-C", r.top, "check-attr", "--stdin", "-z", "filter")
	if err != nil {
		return nil, err
	}
	var large []string
	for triple := range slices.Chunk(fields(attributes), 3) { // path, attribute, value
		if len(triple) == 3 && triple[2] == "lfs" && !strings.Contains(triple[0], "\n") {
			large = append(large, triple[0])
		}
	}
	sums, err := r.pointersOf(ctx, large)
	same = map[string]bool{}
	for path, sum := range sums {
		if err = ctx.Err(); err != nil {
			break
		}
		found, failed := hashOfFile(filepath.Join(r.top, path))
		same[path] = failed == nil && found == sum
	}
	return same, err
}

// pointersOf returns the hashes in the pointers of the index.
func (r *Repository) pointersOf(ctx context.Context, paths []string) (sums map[string]string, err error) {
	if len(paths) == 0 {
		return nil, nil
	}
	out, err := r.runWith(ctx, strings.NewReader(":"+strings.Join(paths, "\n:")+"\n"), "cat-file", "--batch")
	sums = map[string]string{}
	for _, path := range paths {
		head, rest, _ := strings.Cut(out, "\n")
		size, notNumber := strconv.Atoi(head[strings.LastIndexByte(head, ' ')+1:])
		if notNumber != nil { // "missing"
			out = rest
			continue
		}
		size = min(size, len(rest))
		if found := pointer.FindStringSubmatch(rest[:size] + "\n"); found != nil {
			sums[path] = found[1]
		}
		out = strings.TrimPrefix(rest[size:], "\n")
	}
	return sums, err
}

func hashOfFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	_, err = io.Copy(sum, f)
	return hex.EncodeToString(sum.Sum(nil)), err
}
