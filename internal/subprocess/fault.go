package subprocess

import (
	"errors"
	"os/exec"
	"regexp"
	"syscall"
)

// Machine reports whether err shows a fault of this machine: a program that is missing or was killed,
// no space, no memory. A change cannot cause these, or would have to prove it elsewhere.
func Machine(err error) bool {
	for _, errno := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.ENOMEM, syscall.EMFILE, syscall.ENFILE, syscall.EAGAIN, syscall.EROFS} {
		if errors.Is(err, errno) {
			return true
		}
	}
	var failed *Error
	if !errors.As(err, &failed) {
		return false
	}
	var exit *exec.ExitError
	if !errors.As(failed.Err, &exit) { // it did not start
		return true
	}
	return killed(exit.ProcessState) || machineWords.MatchString(failed.kept)
}

// ToolMissing reports whether a shell did not find a program or could not run it (sh(1), exit status
// 126 and 127). The program may be one of the machine or of the tree.
func ToolMissing(err error) bool {
	var exit *exec.ExitError
	return errors.As(err, &exit) && (exit.ExitCode() == 126 || exit.ExitCode() == 127)
}

// machineWords matches what tools say of a machine that cannot do their work.
var machineWords = regexp.MustCompile(`(?i)no space left on device|disk quota exceeded|read-only file system` +
	`|cannot allocate memory|out of memory|(virtual )?memory exhausted|too many open files|resource temporarily unavailable|input/output error|i/o error` +
	`|signal: (killed|bus error)|killed signal|received signal 9` +
	`|\b(cc|gcc|g\+\+|c\+\+|clang(\+\+)?|cc1(plus)?|ld|as|ar|make|cmake|ninja|meson|go|cargo|rustc|git|pkg-config|python3?)["'` + "`" + `]?: ((execvp: )?no such file or directory|(command )?not found|executable file not found)` +
	`|c compiler [^\n]* not found|no acceptable c compiler|c compiler cannot create executables` +
	`|requires go >= |toolchain not available|(gocache|gopath|gomodcache|module cache)[^\n]* (not defined|not found)` +
	`|dial tcp|no such host|temporary failure in name resolution|could not resolve host` +
	`|unknown repository extension|expected git repo version`)
