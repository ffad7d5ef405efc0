//go:build unix

package fuzz

import (
	"os/exec"
	"syscall"
)

// ownGroup puts a program and its workers into a process group of their own. So an interrupt from the
// keyboard reaches only the campaign, and the campaign can end all of them.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func interrupt(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
func kill(cmd *exec.Cmd)      { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
