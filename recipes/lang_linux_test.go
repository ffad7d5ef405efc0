package recipes_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/tunnelbench/tunnelbench/internal/reexec"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
)

// programs is where the programs of the language set are built, for all tests of this package.
var programs string

func TestMain(m *testing.M) {
	reexec.Main()
	dir, err := os.MkdirTemp("", "lang")
	if err != nil {
		panic(err)
	}
	programs = dir
	status := m.Run()
	os.RemoveAll(dir)
	os.Exit(status)
}

// language is one of the language set, and how its program is built.
type language struct {
	name, compiler, distribution, program string
	env                                   []string
	build                                 func() error // once
}

// languages are built so that arithmetic that overflows ends the program.
var languages = []*language{
	{name: "c", compiler: "gcc", distribution: "gcc libc6-dev", program: "lang-c",
		env: []string{"CFLAGS=-O1 -Werror -fsanitize=undefined -fsanitize-undefined-trap-on-error"}},
	{name: "go", compiler: "go", distribution: "golang", program: "lang-go"},
	{name: "rust", compiler: "cargo", distribution: "cargo", program: "lang-rust",
		env: []string{"CARGO_PROFILE_RELEASE_OPT_LEVEL=0", "CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS=true"}},
	{name: "node", compiler: "node", distribution: "nodejs", program: "lang-node.js"},
}

func init() {
	for _, l := range languages {
		l.build = sync.OnceValue(l.install)
	}
}

// install builds the program, or returns an error that wraps errors.ErrUnsupported if this machine cannot: its
// compiler is missing, or its crates can neither be found nor be had from the registry.
func (l *language) install() error {
	if _, err := exec.LookPath(l.compiler); err != nil {
		return fmt.Errorf("%s: apt install %s: %w", l.compiler, l.distribution, errors.ErrUnsupported)
	}
	if l.name == "rust" {
		fetch := exec.Command("cargo", "fetch", "--locked", "--quiet", "--manifest-path", "lang/rust/Cargo.toml")
		if out, err := fetch.CombinedOutput(); err != nil {
			return fmt.Errorf("cargo fetch: %w: %w: %s", errors.ErrUnsupported, err, out)
		}
	}
	install := exec.Command("sh", "lang/install.sh", programs, l.name)
	install.Env = append(os.Environ(), l.env...)
	if out, err := install.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", l.name, err, out)
	}
	return nil
}

// Each program of the language set answers as the reference tunnel does.
func TestLanguagesAnswerTheVectors(t *testing.T) {
	t.Parallel()
	want, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	unlike := bytes.ReplaceAll(want, []byte(" = accepted"), []byte(" = replay")) // the answers must not be copied
	for _, l := range languages {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			testenv.Foreign(t, l.build())
			for _, questions := range [][]byte{want, unlike} {
				var said bytes.Buffer
				cmd := exec.Command(filepath.Join(programs, l.program), "--vectors")
				cmd.Stdin, cmd.Stderr = bytes.NewReader(questions), &said
				got, err := cmd.Output()
				if diff := firstDifference(want, got); err != nil || diff != "" {
					t.Errorf("%v: %s %s", err, diff, said.String())
				}
			}
		})
	}
}
