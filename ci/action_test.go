//go:build unix

package ci

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// stage is a folder with a repository and with stand-ins for the programs that the Action runs.
type stage struct {
	dir, bin string
	commits  map[string]string // by name
}

// newStage makes a repository like the one that actions/checkout leaves for a pull request: HEAD is
// the merge of the change into what its base is now, which is newer than what the event says.
func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{dir: t.TempDir(), bin: t.TempDir(), commits: map[string]string{}}
	s.git(t, "init", "--quiet", "--initial-branch=main")
	for _, step := range []struct{ name, branch string }{{"old base", "main"}, {"base", "main"}, {"head", "change"}} {
		if step.branch == "change" {
			s.git(t, "checkout", "--quiet", "-b", "change", s.commits["old base"])
		}
		s.git(t, "commit", "--quiet", "--allow-empty", "--message="+step.name)
		s.commits[step.name] = s.git(t, "rev-parse", "HEAD")
	}
	s.git(t, "checkout", "--quiet", "--detach", "main")
	s.git(t, "merge", "--quiet", "--no-ff", "--message=merge", "change")
	s.commits["merge"] = s.git(t, "rev-parse", "HEAD")
	s.program(t, "sudo", `echo "$@" >>"$SAID.root"; case $1 in env | mktemp | rm | kill | pkill) exec "$@" ;; esac`)
	s.program(t, "tunnelbench", `echo "$@" >>"$SAID"; exit "${STATUS:-0}"`)
	s.program(t, "qemu-system-x86_64", "")
	return s
}

func (s *stage) git(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = s.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.bin, "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (s *stage) program(t *testing.T, name, script string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.bin, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}

// run runs a script of this folder and returns its exit status, its output and what the stand-ins
// said.
func (s *stage) run(t *testing.T, env []string, script string, args ...string) (status int, out, said string) {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	words := filepath.Join(s.bin, "said")
	cmd := exec.Command(filepath.Join(root, "ci", script), args...)
	cmd.Dir = s.dir
	cmd.Env = append([]string{
		"PATH=" + s.bin + ":" + os.Getenv("PATH"), "HOME=" + s.bin, "SAID=" + words, "ROOT=" + root, "TUNNELBENCH=" + filepath.Join(s.bin, "tunnelbench"),
		"GITHUB_STEP_SUMMARY=" + filepath.Join(s.bin, "summary"), "DUT=reference", "BUILD=", "BASE=", "HEAD=", "POLICY=", "JUDGE=time", "INCONCLUSIVE=neutral",
		"EVENT=pull_request", "PULL_BASE=" + s.commits["old base"], "PULL_HEAD=" + s.commits["head"], "QUEUE_BASE=", "PUSH_BEFORE=",
	}, env...)
	cmd.WaitDelay = time.Second // what a killed script leaves running holds its output
	text, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	heard, err := os.ReadFile(words)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(text), string(heard)
}

// The Action compares with what the change was merged into, and with what a queue or a push found.
func TestActionRevisions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		env        []string // NAME=the name of a commit, or a value
		base, head string   // names of commits, or values
		status     int
	}{
		{name: "a pull request whose base has moved", base: "base", head: "merge"},
		{name: "the head is checked out, not the merge", env: []string{"HEAD=head"}, base: "old base", head: "head"},
		{name: "a merge queue", env: []string{"EVENT=merge_group", "QUEUE_BASE=base", "PULL_BASE=", "PULL_HEAD="}, base: "base", head: "merge"},
		{name: "a push", env: []string{"EVENT=push", "PUSH_BEFORE=old base"}, base: "old base", head: "merge"},
		{name: "a forced push", env: []string{"EVENT=push", "PUSH_BEFORE=" + strings.Repeat("1", 40)}, base: "merge^", head: "merge"},
		{name: "a push of a new branch", env: []string{"EVENT=push", "PUSH_BEFORE=" + strings.Repeat("0", 40)}, base: "merge^", head: "merge"},
		{name: "by hand", env: []string{"EVENT=workflow_dispatch"}, base: "merge^", head: "merge"},
		{name: "named", env: []string{"BASE=old base", "HEAD=head"}, base: "old base", head: "head"},
		{name: "not there", env: []string{"BASE=" + strings.Repeat("1", 40)}, status: 2},
		{name: "with the rights of the base", env: []string{"EVENT=pull_request_target"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			var env []string
			for _, e := range c.env {
				name, value, _ := strings.Cut(e, "=")
				env = append(env, name+"="+s.named(value))
			}
			status, out, said := s.run(t, env, "action.sh")
			want := ""
			if c.base != "" {
				want = "gate --dut reference --base " + s.named(c.base) + " --head " + s.named(c.head) + " --policy out/gate/policy.yaml --out out/gate\n"
			}
			if status != c.status || said != want {
				t.Errorf("exit %d, ran %q, want %q: %s", status, said, want, out)
			}
		})
	}
}

// named returns the commit of a name, or the value itself.
func (s *stage) named(value string) string {
	name, parent := strings.CutSuffix(value, "^")
	if commit, ok := s.commits[name]; ok {
		if parent {
			commit += "^"
		}
		return commit
	}
	return value
}

// The exit status of the gate is the job's, except where there is no verdict.
func TestActionStatus(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		env     []string
		judges  int
		status  int
		warning bool
	}{
		{"passes", []string{"STATUS=0", "JUDGE=both"}, 2, 0, false},
		{"fails", []string{"STATUS=3", "JUDGE=both"}, 1, 3, false},
		{"does not build", []string{"STATUS=2"}, 1, 2, false},
		{"no verdict", []string{"STATUS=4"}, 1, 0, true},
		{"not this machine", []string{"STATUS=5", "JUDGE=both"}, 2, 0, true},
		{"no verdict fails", []string{"STATUS=4", "INCONCLUSIVE=fail"}, 1, 4, true},
		{"the second judge decides", []string{"STATUS=4", "INCONCLUSIVE=fail", "JUDGE=both"}, 2, 4, true},
		{"only counted", []string{"STATUS=4", "INCONCLUSIVE=fail", "JUDGE=count"}, 1, 4, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			status, out, said := newStage(t).run(t, c.env, "action.sh")
			if status != c.status || strings.Count(said, "\n") != c.judges || strings.Contains(out, "::warning::") != c.warning {
				t.Errorf("exit %d, ran %q: %s", status, said, out)
			}
		})
	}
}

// Root leaves nothing of its own where the next job has to clean up, whatever the gate's end.
func TestActionLeavesNothingOfRoots(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		script string
		env    string
		status int
	}{
		"passes":             {"", "JUDGE=time", 0},
		"fails":              {"exit 3", "JUDGE=time", 3},
		"twice":              {"", "JUDGE=both", 0},
		"is counted":         {"exit 2", "JUDGE=count", 2},
		"the job is stopped": {"kill $PPID; sleep 1", "JUDGE=time", 143},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.program(t, "tunnelbench", `mkdir -p "$GOCACHE" "$GOMODCACHE/m" && chmod a-w "$GOMODCACHE/m" && echo "$XDG_CACHE_HOME $GOCACHE $GOMODCACHE $GOPROXY" >"$SAID"; `+c.script)
			status, out, said := s.run(t, []string{c.env}, "action.sh")
			words := strings.Fields(said)
			if status != c.status || len(words) != 4 {
				t.Fatalf("exit %d, said %q: %s", status, said, out)
			}
			for _, folder := range words[:3] {
				if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) || !strings.HasPrefix(folder, "/var/tmp/") {
					t.Errorf("%s is left, or is not outside: %v", folder, err)
				}
			}
			if !strings.HasPrefix(words[3], "file:///") || !strings.Contains(words[3], "/cache/download,") {
				t.Errorf("modules come from %s", words[3])
			}
			asked, err := os.ReadFile(filepath.Join(s.bin, "said.root"))
			if want := fmt.Sprintf("chown -R -- %d:%d out\n", os.Getuid(), os.Getgid()); err != nil || !strings.HasSuffix(string(asked), want) {
				t.Errorf("root was asked for %q, %v; want %q at the end", asked, err, want)
			}
		})
	}
}

// A job that is cancelled gets signals that its programs do not: root's program is ended at once, and what
// a kill leaves is removed by the step after it.
func TestActionIsCancelled(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		signal string
		status int
	}{{"INT", 130}, {"TERM", 143}, {"KILL", -1}} {
		t.Run(c.signal, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.program(t, "tunnelbench", `trap 'echo ended >"$SAID.end"; kill $!; exit 4' TERM
mkdir -p "$GOCACHE"; echo "$XDG_CACHE_HOME" >"$SAID"; sleep 0.2; kill -`+c.signal+` $PPID; sleep 120 & wait`)
			temp := t.TempDir()
			status, out, said := s.run(t, []string{"RUNNER_TEMP=" + temp}, "action.sh")
			folder := strings.TrimSpace(said)
			if status != c.status || !strings.HasPrefix(folder, "/var/tmp/tunnelbench-action.") {
				t.Fatalf("exit %d, said %q: %s", status, said, out)
			}
			if c.signal == "KILL" {
				if status, out, _ := s.run(t, []string{"RUNNER_TEMP=" + temp}, "action.sh", "clean"); status != 0 {
					t.Errorf("clean: exit %d: %s", status, out)
				}
			}
			if end, err := os.ReadFile(filepath.Join(s.bin, "said.end")); err != nil || string(end) != "ended\n" {
				t.Errorf("root's program was not ended: %q, %v", end, err)
			}
			if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s is left: %v", folder, err)
			}
			if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
				t.Errorf("left in the runner's folder: %v, %v", left, err)
			}
		})
	}
}

// Nothing is cleaned where nothing was left, and no process of another.
func TestActionCleansItsOwn(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"nothing": "", "another folder": "/var/lib\n\n\n", "another process": fmt.Sprintf("\n%d\n7\n", os.Getpid()), "no process": "\n-1\n\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, temp := newStage(t), t.TempDir()
			if text != "" {
				if err := os.WriteFile(filepath.Join(temp, "tunnelbench-action"), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			status, out, _ := s.run(t, []string{"RUNNER_TEMP=" + temp}, "action.sh", "clean")
			asked, err := os.ReadFile(filepath.Join(s.bin, "said.root"))
			if status != 0 || len(asked) > 0 || !errors.Is(err, os.ErrNotExist) {
				t.Errorf("exit %d, root was asked for %q: %s", status, asked, out)
			}
		})
	}
}

// What another workflow has left is judged by the same policy; nothing is no error.
func TestJudgeOfAnArtifact(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files []string
		said  string
		words string
	}{
		"no artifact":       {nil, "", "::notice::"},
		"only one set":      {[]string{"base.json", "policy.yaml"}, "", "::notice::"},
		"without a policy":  {[]string{"base.json", "head.json"}, "gate sets/base.json sets/head.json --out out/gate\n", "exit status: 0"},
		"with its policy":   {[]string{"base.json", "head.json", "policy.yaml"}, "gate sets/base.json sets/head.json --policy sets/policy.yaml --out out/gate\n", "exit status: 0"},
		"two sets and more": {[]string{"base.json", "head.json", "x"}, "gate sets/base.json sets/head.json --out out/gate\n", "exit status: 0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.program(t, "tunnelbench", `echo "$@" >>"$SAID"; mkdir -p out/gate; echo text >out/gate/gate.md`)
			for _, file := range c.files {
				path := filepath.Join(s.dir, "sets", file)
				if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte("x"), 0o644)); err != nil {
					t.Fatal(err)
				}
			}
			status, out, said := s.run(t, nil, "judge.sh", "sets")
			if status != 0 || said != c.said || !strings.Contains(out, c.words) {
				t.Errorf("exit %d, ran %q: %s", status, said, out)
			}
			text, _ := os.ReadFile(filepath.Join(s.dir, "out/gate/gate.md"))
			if foreign := strings.Contains(string(text), "policy of the change"); foreign != strings.Contains(c.said, "--policy") {
				t.Errorf("the text is %q", text)
			}
		})
	}
}

// A comment goes to the pull request whose head was judged, in a fork too; else there is none.
func TestComment(t *testing.T) {
	t.Parallel()
	const list = `case "$*" in
*"/pulls "*) echo "$*" >>"$SAID.list"; echo "$NUMBERS" ;;
*/comments*--jq*) echo "$MINE" ;;
*) echo "$*" >>"$SAID" ;;
esac`
	for _, c := range []struct {
		name, text, want string
		env              []string
	}{
		{"a new comment", "text", "api --method POST repos/o/r/issues/7/comments", []string{"NUMBERS=7"}},
		{"an old one", "text", "api --method PATCH repos/o/r/issues/comments/12", []string{"NUMBERS=7", "MINE=12"}},
		{"no such head", "text", "", []string{"NUMBERS="}},
		{"no text", "", "", []string{"NUMBERS=7"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.program(t, "gh", list)
			if err := os.WriteFile(filepath.Join(s.dir, "text"), []byte(c.text), 0o644); err != nil {
				t.Fatal(err)
			}
			env := append([]string{"REPO=o/r", "HEAD_SHA=abc", "HEAD_OWNER=fork", "HEAD_BRANCH=a b", "MINE="}, c.env...)
			status, out, said := s.run(t, env, "comment.sh", "text")
			if status != 0 || !strings.HasPrefix(said, c.want) || c.want == "" && said != "" {
				t.Errorf("exit %d, ran %q: %s", status, said, out)
			}
			if asked, err := os.ReadFile(filepath.Join(s.bin, "said.list")); c.text != "" && (err != nil || !strings.Contains(string(asked), "head=fork:a b")) {
				t.Errorf("asked %q, %v", asked, err)
			}
		})
	}
}
