//go:build !unix

package subprocess

import (
	"os"
	"os/exec"
)

func ownGroup(*exec.Cmd) {}

func endGroup(cmd *exec.Cmd) error { return cmd.Process.Kill() }

func killAll(*exec.Cmd, string) {}

// EndMarked does nothing here: there is no way to see another process's environment.
func EndMarked(string) {}

func killed(*os.ProcessState) bool { return false }
