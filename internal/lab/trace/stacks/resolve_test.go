package stacks

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestKernelTable(t *testing.T) {
	functions, err := kernelTable(strings.NewReader("ffffffff81000100 T __start_of_all\nffffffff81000100 T start\nffffffff81000200 t second\n" +
		"ffffffff81000280 d data\nffffffffc0000000 t inside\t[vxlan]\nffffffffc0000040 t last\t[bpf]\n"))
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[uint64]string{
		0xffffffff81000000: "", 0xffffffff81000100: "start", 0xffffffff810001ff: "start", 0xffffffff81000290: "second",
		0xffffffffc000003f: "inside", 0xffffffffc0000040: "last", 0xffffffffc0000fff: "last", 0xffffffffc0001040: "",
	} {
		if got, _ := functions.name(address); got != want {
			t.Errorf("%x: %q, want %q", address, got, want)
		}
	}
	if _, err := kernelTable(strings.NewReader("0000000000000000 T start\n0000000000000000 t second\n")); !errors.Is(err, errHidden) {
		t.Errorf("hidden addresses: %v", err)
	}
}

func TestMappings(t *testing.T) {
	const text = `55d0c0000000-55d0c0001000 r--p 00000000 fe:00 123                        /bin/with a space
55d0c0001000-55d0c0002000 r-xp 00001000 fe:00 123                        /bin/with a space (deleted)
7f0000000000-7f0000001000 rwxp 00000000 00:00 0 
7ffe00000000-7ffe00002000 r-xp 00000000 00:00 0                          [vdso]
`
	code, err := mappingsOf(strings.NewReader(text))
	want := []mapping{
		{0x55d0c0001000, 0x55d0c0002000, 0x1000, "fe:00 123", "/bin/with a space (deleted)"},
		{0x7f0000000000, 0x7f0000001000, 0, "00:00 0", ""},
		{0x7ffe00000000, 0x7ffe00002000, 0, "00:00 0", "[vdso]"},
	}
	if d := cmp.Diff(want, code, cmp.AllowUnexported(mapping{})); err != nil || d != "" {
		t.Errorf("%v\n%s", err, d)
	}
	if _, err := mappingsOf(strings.NewReader("nothing of the kind\n")); err == nil {
		t.Error("a line without addresses was taken")
	}
}

// built builds a program with a function main.busy and returns its file.
func built(t *testing.T, flags ...string) string {
	t.Helper()
	dir := t.TempDir()
	source := filepath.Join(dir, "busy.go")
	const text = "package main\n\n//go:noinline\nfunc busy(n int) int { return n * n }\n\nfunc main() { println(busy(7)) }\n"
	if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "busy")
	build := exec.Command("go", append(append([]string{"build", "-o", path}, flags...), source)...)
	build.Env = append(os.Environ(), "GOFLAGS=", "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

// The functions of a Go program are known, stripped or not, at a fixed address or not.
func TestFunctionsOfPrograms(t *testing.T) {
	for _, flags := range [][]string{{}, {"-buildmode=pie"}, {"-ldflags=-s -w"}, {"-buildmode=pie", "-ldflags=-s -w"}} {
		m := moduleAt(t, built(t, flags...))
		found := false
		for _, f := range m.functions {
			if f.name != "main.busy" {
				continue
			}
			found = true
			offset := offsetOf(m, f.start)
			if name, ok := m.name(offset); !ok || name != "main.busy" {
				t.Errorf("%v: at octet %d of the file: %q", flags, offset, name)
			}
			if name, ok := m.name(offset - 1); name == "main.busy" {
				t.Errorf("%v: the octet before is in %q too, %v", flags, name, ok)
			}
		}
		if !found {
			t.Errorf("%v: main.busy is not among %d functions", flags, len(m.functions))
		}
	}
}

// offsetOf returns where in the file an address lies.
func offsetOf(m *module, address uint64) uint64 {
	for _, p := range m.loads {
		if address >= p.Vaddr && address < p.Vaddr+p.Filesz {
			return address - p.Vaddr + p.Off
		}
	}
	return 0
}

func moduleAt(t *testing.T, path string) *module {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := readModule(f)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// What is no program has no functions.
func TestNoProgram(t *testing.T) {
	for _, text := range []string{"", "\x7fELF", "\x7fELF\x02\x01\x01" + strings.Repeat("\xff", 200)} {
		if m, err := readModule(strings.NewReader(text)); err == nil {
			t.Errorf("%q: %v", text, m)
		}
	}
}
