//go:build !linux

package sys

import (
	"os"
	"os/exec"
)

func StartTethered(*exec.Cmd, []int) error       { return needsLinux("parent-death signal") }
func BecomeIdle() error                          { return needsLinux("SCHED_IDLE") }
func Yield()                                     {}
func PinProcess([]int) error                     { return needsLinux("CPU affinity") }
func SharedMemory(int) (*os.File, []byte, error) { return nil, nil, needsLinux("memfd") }
func MapShared(*os.File, int) ([]byte, error)    { return nil, needsLinux("shared memory") }
func UnmapShared([]byte) error                   { return needsLinux("shared memory") }

// Monotonic returns 0: it is the clock of the Linux kernel's programs.
func Monotonic() uint64 { return 0 }
