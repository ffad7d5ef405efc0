//go:build unix

package fuzz

import (
	"os/exec"
	"syscall"
)

// ownGroup gives a program and its workers a group of processes, so that an
// interrupt from the keyboard is the campaign's alone, and none outlives it.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func interrupt(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
func kill(cmd *exec.Cmd)      { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
