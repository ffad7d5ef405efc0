package reexec

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func init() {
	Register("__test-succeeds", func(args []string) error {
		_, err := os.Stdout.WriteString(strings.Join(args, " "))
		return err
	})
	Register("__test-fails", func([]string) error { return errors.New("it failed") })
	Register("__test-status", func([]string) error { return &ExitError{Code: 77, Err: errors.New("cannot run")} })
	Register("__test-silent", func([]string) error { return &ExitError{Code: 5} })
}

func TestMain(m *testing.M) {
	Main()
	os.Exit(m.Run())
}

func TestRoles(t *testing.T) {
	t.Parallel()
	type outcome struct {
		Code           int
		Stdout, Stderr string
	}
	for name, c := range map[string]struct {
		args []string
		want outcome
	}{
		"success":        {[]string{"__test-succeeds", "a", "b"}, outcome{0, "a b", ""}},
		"error":          {[]string{"__test-fails"}, outcome{1, "", "it failed\n"}},
		"exit status":    {[]string{"__test-status"}, outcome{77, "", "cannot run\n"}},
		"without a word": {[]string{"__test-silent"}, outcome{5, "", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr strings.Builder
			cmd := exec.Command(os.Args[0], c.args...)
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			var exit *exec.ExitError
			if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
				t.Fatal(err)
			}
			got := outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestRegisterTwice(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("a word was registered twice without a panic")
		}
	}()
	Register("__test-fails", nil)
}
