package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/tunnelbench/tunnelbench/internal/cli"
)

// readers are the command lines that read a file which the user names, as FILE.
var readers = []string{
	"tunnel --check --config FILE", "report --out OUT FILE", "report --out OUT --format csv FILE", "report --out OUT --history FILE", "gate --out OUT FILE FILE",
	"gate --policy FILE --base HEAD", "gate --noise FILE --base HEAD --out OUT", "gate --noise FILE --out OUT BASE.json HEAD.json", "search --goal pdr --replay FILE",
	"fuzz report --out OUT FILE", "run --dut wire --self-test FILE --out OUT", "ab plain vxlan --self-test FILE --out OUT",
}

// commandLine returns a reader's arguments for the file at path.
func commandLine(t *testing.T, reader, path string) []string {
	t.Helper()
	base, head := recordedGate{first: 16}.write(t)
	return strings.Fields(strings.NewReplacer("FILE", path, "OUT", t.TempDir(), "BASE.json", base, "HEAD.json", head).Replace(reader))
}

// A name may lead to anything. Each gives one line and exit status 2.
func TestReadersAreBounded(t *testing.T) {
	big := filepath.Join(t.TempDir(), "big")
	if err := os.WriteFile(big, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(big, 1<<40); err != nil {
		t.Fatal(err)
	}
	for _, reader := range readers {
		for name, path := range map[string]string{
			"a device without an end": "/dev/zero", "a huge file": big, "a directory": t.TempDir(), "nothing": "/dev/null", "a file of the kernel": "/proc/self/mem", "missing": "/nowhere",
		} {
			if name == "missing" && strings.Contains(reader, "--noise") || name == "nothing" && strings.Contains(reader, "--replay") {
				continue // a machine without noise, and no trials
			}
			code, _, errs := call("", commandLine(t, reader, path)...)
			if code != cli.ExitUsage || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, path) {
				t.Errorf("%s: %s: exit status %d: %s", reader, name, code, errs)
			}
		}
	}
}

// A working directory that is gone is no fault where nothing lies in it.
func TestReadsWithoutAWorkingDirectory(t *testing.T) {
	results, err := filepath.Abs("../../fuzz/text/results.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		code int
	}{
		"report":          {[]string{"report", "--format", "csv", results}, cli.ExitOK},
		"into a folder":   {[]string{"report", "--out", t.TempDir(), results}, cli.ExitOK},
		"into none":       {[]string{"report", "--out", "out", results}, cli.ExitUsage},
		"a relative path": {[]string{"report", "results.json"}, cli.ExitUsage},
		"a script":        {[]string{"trial", "--dut", "exec:./tunnel.sh", "--load", "1kpps"}, cli.ExitUsage},
	} {
		t.Run(name, func(t *testing.T) {
			cmd, _, errs := program(t, `rmdir "$PWD"; exec "$@"`, c.args...)
			cmd.Dir = t.TempDir()
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if code := exitStatus(t, cmd); code != c.code || code != cli.ExitOK && strings.Count(errs.String(), "\n") != 1 {
				t.Errorf("exit status %d, want %d: %.300s", code, c.code, errs)
			}
		})
	}
}

// The text of a file is read the same, whatever an editor or another system wraps it in.
func TestEnvelopesOfTexts(t *testing.T) {
	base, _ := recordedGate{first: 16}.write(t)
	for reader, text := range map[string]string{
		"tunnel --check --config FILE":                                                   "listen: 192.0.2.1:51000\npeers:\n- {id: 1, endpoint: 192.0.2.2:51000, prefixes: [198.19.0.0/24]}\ndev: t0\n",
		"report --format csv --out OUT FILE":                                             read(t, "../../fuzz/text/results.json"),
		"gate --metrics closed_loop_rate/64 --out OUT FILE HEAD.json":                    read(t, base),
		"gate --metrics closed_loop_rate/64 --policy FILE --out OUT BASE.json HEAD.json": read(t, "../../ci/gate/policy.yaml"),
		"search --goal pdr --replay FILE":                                                `{"load_fps":1000,"duration_s":1,"loss_ratio":0}` + "\n" + `{"load_fps":2000,"duration_s":1,"loss_ratio":0.1}`,
		"search --goal pdr --replay /dev/stdin ":                                         `{"load_fps":1000,"duration_s":1,"loss_ratio":0}`,
		"fuzz report --out OUT FILE":                                                     read(t, "../../fuzz/report/testdata/fuzz.json"),
	} {
		file := filepath.Join(t.TempDir(), "text")
		lines := strings.ReplaceAll(text, "\n", "\r\n")
		for name, wrapped := range map[string]string{"plain": text, "a byte order mark": "\ufeff" + text, "CRLF": lines, "both": "\ufeff" + lines} {
			if err := os.WriteFile(file, []byte(wrapped), 0o644); err != nil {
				t.Fatal(err)
			}
			cmd, out, errs := program(t, `"$@" <`+file, commandLine(t, reader, file)...)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if code := exitStatus(t, cmd); code != cli.ExitOK {
				t.Errorf("%s: %s: exit status %d: %s%s", reader, name, code, errs, out)
			}
		}
		for name, wrapped := range map[string]string{"UTF-16": "\xff\xfe{\x00}\x00", "NUL byte": text + "\x00"} {
			if err := os.WriteFile(file, []byte(wrapped), 0o644); err != nil {
				t.Fatal(err)
			}
			cmd, _, errs := program(t, `"$@" <`+file, commandLine(t, reader, file)...)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if code := exitStatus(t, cmd); code != cli.ExitUsage || strings.Count(errs.String(), "\n") != 1 {
				t.Errorf("%s: %s: exit status %d: %s", reader, name, code, errs)
			}
		}
	}
}

// A pipe that nobody writes to does not keep the program from ending.
func TestPipeWithoutAWriter(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	silent, writer := io.Pipe()
	defer writer.Close()
	for _, reader := range []string{"tunnel --check --config FILE", "report --out OUT FILE", "gate --policy FILE --base HEAD", "search --goal pdr --replay FILE", "search --goal pdr --replay -"} {
		var errs bytes.Buffer
		code := run(ctx, commandLine(t, reader, pipe), cli.Streams{In: silent, Out: io.Discard, Err: &errs})
		if code != cli.ExitNoVerdict || strings.Count(errs.String(), "\n") != 1 {
			t.Errorf("%s: exit status %d: %s", reader, code, &errs)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
