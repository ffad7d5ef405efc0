// Package tempdir makes the folders that the program needs for a time, in the folder that TMPDIR
// names, and says what is wrong with that one.
package tempdir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"unicode"

	"github.com/tunnelbench/tunnelbench/internal/execfile"
)

// Error says why TMPDIR cannot be used. It wraps errors.ErrUnsupported.
type Error struct {
	Dir   string
	Cause string
}

// Error names the folder, the cause and the mend.
func (e Error) Error() string {
	return fmt.Sprintf("the folder for temporary files %q (TMPDIR): %s, or set TMPDIR to another folder", e.Dir, e.Cause)
}

// Unwrap returns errors.ErrUnsupported.
func (e Error) Unwrap() error { return errors.ErrUnsupported }

// Make creates a folder. pattern is that of os.MkdirTemp.
func Make(pattern string) (string, error) { return makeFor(pattern, tryToWrite) }

// MakeForPrograms creates a folder in which programs are built and executed.
func MakeForPrograms(pattern string) (string, error) { return makeFor(pattern, tryToExecute) }

// Check returns an error if Make would fail.
func Check() error {
	dir, err := Make("tunnelbench-check-")
	if err != nil {
		return err
	}
	return os.Remove(dir)
}

func makeFor(pattern string, try func(dir string) error) (string, error) {
	parent := os.TempDir()
	if cause := unsuitable(parent); cause != "" {
		return "", Error{parent, cause}
	}
	dir, err := os.MkdirTemp(parent, pattern)
	if err != nil {
		return "", Error{parent, causeOf(parent, err)}
	}
	if err := try(dir); err != nil {
		return "", errors.Join(Error{parent, causeOf(parent, err)}, os.RemoveAll(dir))
	}
	return dir, nil
}

// longest is the number of bytes of TMPDIR that leave room for the socket of a tunnel in a folder
// below (108 bytes in all, unix(7)).
const longest = 72

// unsuitable returns what is wrong with the name of a folder; empty if nothing is.
func unsuitable(dir string) string {
	odd := func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r) || strings.ContainsRune(`:,;'"\$`, r)
	}
	switch {
	case !filepath.IsAbs(dir):
		return "is relative: write it from / on"
	case strings.ContainsFunc(dir, odd):
		return "has a space, or one of : , ; ' \" \\ $, which lists and scripts take apart: rename it"
	case len(dir) > longest:
		return fmt.Sprintf("has %d bytes, and sockets in it need it to have %d at most: shorten it", len(dir), longest)
	}
	return ""
}

// causeOf explains an error of making a folder or a file in a folder.
func causeOf(dir string, err error) string {
	info, statErr := os.Stat(dir)
	switch {
	case errors.Is(statErr, os.ErrNotExist):
		return "does not exist: make it"
	case statErr == nil && !info.IsDir():
		return "is not a folder: remove the file"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "is full: remove files from it"
	case errors.Is(err, syscall.EROFS):
		return "is read-only: remount it"
	case errors.Is(err, execfile.ErrNoExec):
		return "is mounted noexec, and programs are built in it: remount it with exec"
	case errors.Is(err, os.ErrPermission):
		return "is not writable for this user: correct its owner or mode"
	}
	var path *os.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return err.Error() + ": correct it"
}

// tryToWrite writes and removes a file of a size that a run needs at least.
func tryToWrite(dir string) error {
	const size = 256 << 10
	path := filepath.Join(dir, "try")
	if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
		return err
	}
	return os.Remove(path)
}

// tryToExecute is tryToWrite for a folder of programs.
func tryToExecute(dir string) error {
	if err := tryToWrite(dir); err != nil {
		return err
	}
	path := filepath.Join(dir, "try")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o700); err != nil {
		return err
	}
	return errors.Join(execfile.Check(path), os.Remove(path))
}
