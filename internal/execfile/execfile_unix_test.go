//go:build unix

package execfile

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// write returns a function that writes a file of this text.
func write(text string, mode fs.FileMode) func(string) error {
	return func(path string) error { return os.WriteFile(path, []byte(text), mode) }
}

// chain writes a script that is run by another one, with this text.
func chain(text string) func(path string) error {
	return func(path string) error {
		return errors.Join(write(text, 0o755)(path+".2"), write("#!"+path+".2\n", 0o755)(path))
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		prepare func(path string) error
		want    string // empty: it can be executed, as far as the file shows
	}{
		"script":              {write("#!/bin/sh\n", 0o755), ""},
		"script by env":       {write("#!/usr/bin/env sh\n", 0o755), ""},
		"env with options":    {write("#!/usr/bin/env -S nosuch -x\n", 0o755), ""},
		"no new line":         {write("#!/bin/sh", 0o755), ""},
		"nothing":             {func(string) error { return nil }, "no such file"},
		"directory":           {func(path string) error { return os.Mkdir(path, 0o755) }, "a directory"},
		"dangling":            {func(path string) error { return os.Symlink("/nosuch", path) }, "a symbolic link to /nosuch"},
		"loop":                {func(path string) error { return os.Symlink(path, path) }, "leads back to itself"},
		"pipe":                {func(path string) error { return syscall.Mkfifo(path, 0o755) }, "a pipe"},
		"device":              {func(path string) error { return os.Symlink("/dev/null", path) }, "a device"},
		"not executable":      {write("#!/bin/sh\n", 0o644), "chmod +x"},
		"empty":               {write("", 0o755), "empty"},
		"CRLF":                {write("#!/bin/sh\r\ntrue\r\n", 0o755), "CR LF"},
		"CRLF behind env":     {write("#!/usr/bin/env bash\r\n", 0o755), "CR LF"},
		"no interpreter":      {write("#!\ntrue\n", 0o755), "no interpreter"},
		"interpreter missing": {write("#!/nosuch/fish -x\n", 0o755), "/nosuch/fish is not there"},
		"missing behind env":  {write("#!/usr/bin/env nosuch-fish\n", 0o755), "nosuch-fish is not in PATH"},
		"interpreter a file":  {write("#!/etc/passwd\n", 0o755), "/etc/passwd is no executable file"},
		"interpreter a dir":   {write("#!/etc\n", 0o755), "/etc is no executable file"},
		"script of a script":  {chain("#!/bin/sh\n"), ""},
		"of one in CRLF":      {chain("#!/bin/sh\r\n"), "CR LF"},
		"of one without one":  {chain("#!/nosuch/fish\n"), "/nosuch/fish is not there"},
		"its own interpreter": {func(path string) error { return write("#!"+path+"\n", 0o755)(path) }, "too many scripts"},
		"byte order mark":     {write("\xef\xbb\xbf#!/bin/sh\n", 0o755), "byte order mark"},
		"endless first line":  {write("#!/bin/sh "+strings.Repeat("x", 300), 0o755), "more than 256 bytes"},
		"below a file":        {func(path string) error { return os.Symlink("/etc/passwd/x", path) }, "not a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "tunnel.sh")
			if err := c.prepare(path); err != nil {
				t.Fatal(err)
			}
			err := Check(path)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

// What only the kernel notices is explained by the file. Nothing runs beside it: a file cannot be executed while a
// child that was forked at the wrong moment still has it open for writing.
func TestExplain(t *testing.T) {
	for name, c := range map[string]struct {
		prepare func(path string) error
		want    string
	}{
		"no shebang":         {write("true\n", 0o755), "let it begin with #!/bin/sh"},
		"other architecture": {write(foreign(), 0o755), "a program for s390"},
		"damaged":            {write(elf.ELFMAG+"broken", 0o755), "a damaged program"},
		"CRLF":               {write("#!/bin/sh\r\n", 0o755), "CR LF"},
		"nothing":            {func(string) error { return nil }, "no such file: give the path"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "tunnel.sh")
			if err := c.prepare(path); err != nil {
				t.Fatal(err)
			}
			err := Explain(path, exec.Command(path).Run())
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v, want one line with %q", err, c.want)
			}
		})
	}
	if err := Explain("/bin/sh", syscall.ETXTBSY); !errors.Is(err, syscall.ETXTBSY) || !strings.Contains(err.Error(), "open for writing") {
		t.Errorf("text busy: %v", err)
	}
	if err := Explain("/bin/sh", nil); err != nil {
		t.Errorf("%v without an error", err)
	}
}

// foreign returns the header of a program for an architecture that has no Go tests.
func foreign() string {
	header := elf.Header64{Type: uint16(elf.ET_EXEC), Machine: uint16(elf.EM_S390), Version: uint32(elf.EV_CURRENT), Ehsize: 64, Phentsize: 56}
	copy(header.Ident[:], elf.ELFMAG)
	header.Ident[elf.EI_CLASS], header.Ident[elf.EI_DATA], header.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2MSB), byte(elf.EV_CURRENT)
	text, err := binary.Append(nil, binary.BigEndian, header)
	if err != nil {
		panic(err)
	}
	return string(text)
}
