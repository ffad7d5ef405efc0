//go:build !unix

package subprocess

import (
	"os"
	"os/exec"
)

func ownGroup(*exec.Cmd) {}

func endGroup(cmd *exec.Cmd) error { return cmd.Process.Kill() }

func killAll(*exec.Cmd, string) {}

func killed(*os.ProcessState) bool { return false }
