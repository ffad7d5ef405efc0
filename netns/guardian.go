package netns

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/tunnelbench/tunnelbench/internal/signals"
	"github.com/tunnelbench/tunnelbench/internal/subprocess"
	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/internal/tempdir"
)

// Guardian changes settings of the whole machine. It restores them when it is closed and when the
// lab ends in any other way, including kill -9. For this, a child process in its own session
// stores the old values and waits until the pipe from the lab is closed.
//
//	lab ── {"key","old"} ──► child         the child stores the old value,
//	lab ◄────── ok ────────  child         then the lab changes the setting
//	lab ──── end of file ──► child         the child restores all settings, newest first, and ends
type Guardian struct {
	cmd      *exec.Cmd
	requests *os.File
	answers  *os.File
	lines    *bufio.Scanner
	saved    map[string]bool
	changes  []string
}

type savedSetting struct {
	Key    string `json:"key,omitempty"`
	Old    string `json:"old,omitempty"`
	Remove string `json:"remove,omitempty"` // path of a directory to remove; there is no setting then
	End    string `json:"end,omitempty"`    // mark of the processes to end; there is no setting then
}

// undo restores the setting, removes the directory or ends the processes.
func (s savedSetting) undo() error {
	if s.End != "" {
		subprocess.EndMarked(s.End)
		return nil
	}
	if s.Remove != "" {
		return os.RemoveAll(s.Remove)
	}
	if err := writeSysctl(s.Key, s.Old); err != nil {
		return fmt.Errorf("restore %s to %s: %w", s.Key, s.Old, err)
	}
	return nil
}

const guardianOK = "ok"

// StartGuardian starts the child process. If lock is not nil, the child holds it, too. So after
// kill -9 the next lab can start only when the child has restored all settings.
func StartGuardian(lock *Held) (*Guardian, error) {
	theirIn, requests, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("guardian: %w", err)
	}
	defer theirIn.Close()
	answers, theirOut, err := os.Pipe()
	if err != nil {
		requests.Close()
		return nil, fmt.Errorf("guardian: %w", err)
	}
	defer theirOut.Close()
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = []string{"tunnelbench", guardianWord}
	cmd.Dir = "/"
	cmd.ExtraFiles = []*os.File{theirIn, theirOut}
	if lock != nil {
		cmd.ExtraFiles = append(cmd.ExtraFiles, lock.files...)
	}
	if err := sys.StartDetached(cmd); err != nil {
		requests.Close()
		answers.Close()
		return nil, fmt.Errorf("guardian: %w", err)
	}
	return &Guardian{
		cmd: cmd, requests: requests, answers: answers,
		lines: bufio.NewScanner(answers), saved: map[string]bool{},
	}, nil
}

// Set changes a setting of the machine. key is a path below /proc/sys, such as
// net/core/netdev_max_backlog.
func (g *Guardian) Set(key, value string) error {
	old, err := readSysctl(key)
	if err != nil {
		return fmt.Errorf("guardian: %w", err)
	}
	if old == value {
		return nil
	}
	if !g.saved[key] {
		if err := g.save(savedSetting{Key: key, Old: old}); err != nil {
			return fmt.Errorf("guardian: save %s: %w", key, err)
		}
		g.saved[key] = true
	}
	if err := writeSysctl(key, value); err != nil {
		return fmt.Errorf("guardian: %w", err)
	}
	g.changes = append(g.changes, strings.ReplaceAll(key, "/", ".")+": "+old+" -> "+value)
	return nil
}

func (g *Guardian) save(s savedSetting) error {
	if err := json.NewEncoder(g.requests).Encode(s); err != nil {
		return err
	}
	if !g.lines.Scan() {
		return errors.Join(errors.New("the guardian is gone"), g.lines.Err())
	}
	if said := g.lines.Text(); said != guardianOK {
		return errors.New(said)
	}
	return nil
}

// TempDir creates a directory. The Guardian removes it with its contents when the lab ends. Only root
// can list it; programs that give up root can still open files in it by their names.
func (g *Guardian) TempDir(pattern string) (string, error) {
	dir, err := tempdir.Make(pattern)
	if err != nil {
		return "", fmt.Errorf("guardian: %w", err)
	}
	if err := errors.Join(g.RemoveAtEnd(dir), os.Chmod(dir, 0o711)); err != nil {
		return "", errors.Join(fmt.Errorf("guardian: directory %s: %w", dir, err), os.Remove(dir))
	}
	return dir, nil
}

// RemoveAtEnd makes the child remove a directory when the guardian is closed or this program has ended.
func (g *Guardian) RemoveAtEnd(dir string) error { return g.save(savedSetting{Remove: dir}) }

// EndCommands makes the child end what this program's commands have started (see
// subprocess.Command), before it removes any directory that was named earlier. A program that takes
// the mark out of its environment is not found.
func (g *Guardian) EndCommands() error { return g.save(savedSetting{End: subprocess.OwnMark()}) }

// PID returns the process ID of the guardian.
func (g *Guardian) PID() int { return g.cmd.Process.Pid }

// Changes returns the changed settings, one line each: "net.core.x: 1000 -> 30000".
func (g *Guardian) Changes() []string { return slices.Clone(g.changes) }

// Close makes the child restore all settings and waits until the child has ended.
func (g *Guardian) Close() error {
	errs := []error{g.requests.Close()}
	for g.lines.Scan() {
		errs = append(errs, fmt.Errorf("guardian: %s", g.lines.Text()))
	}
	errs = append(errs, g.lines.Err(), g.answers.Close())
	if err := g.cmd.Wait(); err != nil {
		errs = append(errs, fmt.Errorf("guardian: %w", err))
	}
	return errors.Join(errs...)
}

// runGuardian runs in the child process. It stores the old values until the pipe is closed. Then
// it restores them.
func runGuardian(requests io.Reader, answers io.Writer) int {
	signals.LeaveToParent()
	var saved []savedSetting
	for decoder := json.NewDecoder(requests); ; {
		var s savedSetting
		err := decoder.Decode(&s)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			fmt.Fprintf(answers, "request not understood: %v\n", err)
			break
		}
		saved = append(saved, s)
		fmt.Fprintln(answers, guardianOK)
	}
	code := 0
	for _, s := range slices.Backward(saved) {
		if err := s.undo(); err != nil {
			fmt.Fprintln(answers, err)
			code = 1
		}
	}
	return code
}
