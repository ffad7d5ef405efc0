package testenv

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// File returns the path of a new file with the data, which lasts as long as the test.
func File(t testing.TB, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Tshark reads a capture with tshark(1), which is Wireshark without windows, and the arguments, without anybody's preferences, and returns what
// it prints. It fails the test if tshark complains.
func Tshark(t testing.TB, capture []byte, args ...string) string {
	t.Helper()
	Program(t, "tshark", "tshark")
	cmd := exec.Command("tshark", append([]string{"-n", "-r", File(t, capture)}, args...)...)
	config := t.TempDir()
	cmd.Env = append(os.Environ(), "HOME="+config, "WIRESHARK_CONFIG_DIR="+config, "LC_ALL=C")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	said := complaints(errs.String())
	if err != nil || said != "" {
		t.Fatalf("tshark %q: %v: %s", args, err, said)
	}
	return string(out)
}

// complaints returns what tshark says on stderr less its warning to root.
func complaints(said string) string {
	var rest []string
	for line := range strings.Lines(said) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "Running as user") {
			rest = append(rest, line)
		}
	}
	return strings.Join(rest, "\n")
}

// TsharkFields returns the values of the fields for each packet, as tshark -T fields has them: those of a
// field that is there more than once with a comma between them.
func TsharkFields(t testing.TB, capture []byte, fields []string, args ...string) (rows [][]string) {
	t.Helper()
	args = append(args, "-T", "fields", "-E", "separator=/t", "-E", "occurrence=a", "-E", "aggregator=,")
	for _, f := range fields {
		args = append(args, "-e", f)
	}
	for line := range strings.Lines(Tshark(t, capture, args...)) {
		rows = append(rows, strings.Split(strings.TrimSuffix(line, "\n"), "\t"))
	}
	return rows
}
