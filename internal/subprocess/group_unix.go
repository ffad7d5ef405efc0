//go:build unix

package subprocess

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
)

// ownGroup puts a program and its children into a process group of their own, which can be ended as
// one. An interrupt from the keyboard does not reach it; that comes by the context.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	tether(cmd.SysProcAttr)
}

func endGroup(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }

// killAll ends what is left of the group, and children that left it: they still carry the mark.
func killAll(cmd *exec.Cmd, mark string) {
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	EndMarked(mark)
}

// EndMarked ends the processes whose environment has a mark.
func EndMarked(mark string) {
	const most = 100 // rounds: a child may start another one meanwhile
	for range most {
		if !killMarked(mark) {
			return
		}
	}
}

// killMarked ends the processes whose environment has the mark (proc(5)), and reports whether there
// were any.
func killMarked(mark string) (found bool) {
	files, _ := filepath.Glob("/proc/[0-9]*/environ") // none without /proc
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil || !bytes.Contains(data, []byte(mark)) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil {
			_ = syscall.Kill(pid, syscall.SIGKILL)
			found = true
		}
	}
	return found
}

// killed reports whether a program was ended by SIGKILL or SIGBUS, itself or a child of a shell
// (128 and the signal's number).
func killed(state *os.ProcessState) bool {
	status, ok := state.Sys().(syscall.WaitStatus)
	if !ok {
		return false
	}
	return status.Signaled() && (status.Signal() == syscall.SIGKILL || status.Signal() == syscall.SIGBUS) ||
		status.ExitStatus() == 128+int(syscall.SIGKILL)
}
