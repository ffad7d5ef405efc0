// Package execfile says why a file cannot be executed. The kernel has one error for several causes
// (execve(2)): "no such file" may be of the interpreter that a script or program needs.
package execfile

import (
	"bufio"
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// ErrNoExec is the cause of a file that may be executed in a file system that executes nothing.
var ErrNoExec = errors.New("its file system is mounted noexec: copy it to another one, or remount that with exec")

// Check returns an error that names the cause and the mend if the file at path cannot be executed
// for a reason that the file itself shows.
func Check(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return missing(path, err)
	}
	switch {
	case info.IsDir():
		return errors.New("a directory: give the path of an executable in it")
	case !info.Mode().IsRegular():
		return fmt.Errorf("not a file but a %s: give the path of an executable", kind(info.Mode()))
	case info.Mode()&0o111 == 0:
		return errors.New("not executable: chmod +x it")
	case info.Size() == 0:
		return errors.New("empty: write a script that begins with #!/bin/sh into it")
	}
	if err := allowed(path); err != nil {
		return err
	}
	start, err := head(path)
	if err != nil {
		return err
	}
	return checkScript(start, mostInterpreters)
}

// mostInterpreters is how many scripts may run each other; then execve(2) returns ELOOP.
const mostInterpreters = 5

// missing explains why a path leads to no file.
func missing(path string, err error) error {
	target, linkErr := os.Readlink(path)
	switch {
	case linkErr == nil && errors.Is(err, syscall.ELOOP):
		return errors.New("a symbolic link that leads back to itself: mend the link")
	case linkErr == nil && errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("a symbolic link to %s, where no such file is: mend the link", target)
	case errors.Is(err, os.ErrNotExist):
		return errors.New("no such file: give the path of an executable")
	}
	return fmt.Errorf("%w: give the path of an executable", errors.Unwrap(err))
}

func kind(m os.FileMode) string {
	switch {
	case m&os.ModeNamedPipe != 0:
		return "pipe"
	case m&os.ModeSocket != 0:
		return "socket"
	}
	return "device"
}

// longestLine is what the kernel reads of a script's first line (BINPRM_BUF_SIZE).
const longestLine = 256

// head returns the first bytes of a file.
func head(path string) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrPermission) {
		return nil, nil // what may be executed need not be readable
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	start := make([]byte, longestLine)
	n, err := io.ReadFull(bufio.NewReader(f), start)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	return start[:n], nil
}

// checkScript checks the first line of a script, and of the scripts that run it, so many at most.
func checkScript(start []byte, most int) error {
	const mark = "\xef\xbb\xbf" // a byte order mark
	if bytes.HasPrefix(start, []byte(mark+"#!")) {
		return errors.New("a byte order mark stands before the #!: save it without one")
	}
	line, isScript := bytes.CutPrefix(start, []byte("#!"))
	if !isScript {
		return nil
	}
	line, _, complete := bytes.Cut(line, []byte{'\n'})
	if !complete && len(start) == longestLine {
		return fmt.Errorf("its first line has more than %d bytes: shorten it", longestLine)
	}
	if bytes.HasSuffix(line, []byte{'\r'}) {
		return errors.New(`its lines end in CR LF, as on Windows, and the CR counts as a part of the interpreter's name: convert it, as by sed -i 's/\r$//'`)
	}
	words := strings.Fields(string(line))
	if len(words) == 0 {
		return errors.New("no interpreter follows its #!: write #!/bin/sh")
	}
	if most == 0 {
		return errors.New("too many scripts run each other by their first lines: name a program in one of them")
	}
	return checkInterpreter(words, most-1)
}

// checkInterpreter checks the program that runs a script, and the one that env(1) looks up.
func checkInterpreter(words []string, most int) error {
	info, err := os.Stat(words[0])
	switch {
	case err != nil:
		return fmt.Errorf("its interpreter %s is not there (first line): install it, or correct the line", words[0])
	case info.IsDir(), info.Mode()&0o111 == 0:
		return fmt.Errorf("its interpreter %s is no executable file (first line): correct the line", words[0])
	}
	if start, err := head(words[0]); err == nil {
		if err := checkScript(start, most); err != nil {
			return fmt.Errorf("its interpreter %s (first line): %w", words[0], err)
		}
	}
	if filepath.Base(words[0]) != "env" || len(words) < 2 || strings.HasPrefix(words[1], "-") || strings.Contains(words[1], "=") {
		return nil
	}
	if _, err := exec.LookPath(words[1]); err != nil {
		return fmt.Errorf("its interpreter %s is not in PATH (first line): install it, or correct the line", words[1])
	}
	return nil
}

// Explain adds to an error of execve(2) what the file at path shows of its cause.
func Explain(path string, err error) error {
	if err == nil {
		return nil
	}
	if cause := Check(path); cause != nil {
		return fmt.Errorf("%w: %w", err, cause)
	}
	switch {
	case errors.Is(err, syscall.ETXTBSY):
		return fmt.Errorf("%w: a program still has it open for writing: wait until it is written", err)
	case errors.Is(err, syscall.ENOEXEC):
		return fmt.Errorf("%w: %s", err, notForHere(path))
	case errors.Is(err, os.ErrNotExist):
		if loader := loader(path); loader != "" {
			return fmt.Errorf("%w: its loader %s is not there: it was built for another system, or install that loader", err, loader)
		}
	}
	return err
}

// notForHere says what kind of file the kernel did not recognise.
func notForHere(path string) string {
	f, err := elf.Open(path)
	if err != nil {
		if start, err := head(path); err == nil && bytes.HasPrefix(start, []byte(elf.ELFMAG)) {
			return "a damaged program: build or copy it again"
		}
		return "neither a program for " + runtime.GOARCH + " nor a script: let it begin with #!/bin/sh"
	}
	defer f.Close()
	machine := strings.ToLower(strings.TrimPrefix(f.Machine.String(), "EM_"))
	return fmt.Sprintf("a program for %s, and this machine is %s: build it for %s", machine, runtime.GOARCH, runtime.GOARCH)
}

// loader returns the loader of a dynamically linked program, if that is missing.
func loader(path string) string {
	f, err := elf.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type != elf.PT_INTERP {
			continue
		}
		name, err := io.ReadAll(io.LimitReader(p.Open(), longestLine))
		loader := string(bytes.TrimRight(name, "\x00"))
		if _, statErr := os.Stat(loader); err == nil && statErr != nil {
			return loader
		}
	}
	return ""
}
