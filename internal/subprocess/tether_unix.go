//go:build unix && !linux

package subprocess

import "syscall"

func tether(*syscall.SysProcAttr) {}
