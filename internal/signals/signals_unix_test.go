//go:build unix

package signals

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// roleEnv is an environment variable that makes the test binary play a program.
const roleEnv = "TB_TEST_SIGNALS"

func TestMain(m *testing.M) {
	play := map[string]func(){"ends": playEnds, "stays": playStays, "role": playRole, "writes": playWrites, "reloads": playReloads}[os.Getenv(roleEnv)]
	if play == nil {
		os.Exit(m.Run())
	}
	play()
}

// playEnds ends by the first request and says which one it was.
func playEnds() {
	ctx, stop := Context()
	defer stop()
	fmt.Println("ready")
	<-ctx.Done()
	fmt.Println(context.Cause(ctx), errors.Is(context.Cause(ctx), context.Canceled))
}

// playReloads takes SIGHUP for itself.
func playReloads() {
	_, stop := Hangups()
	defer stop()
	playEnds()
}

// playStays says that it was asked to end, and then hangs.
func playStays() {
	ctx, _ := Context()
	fmt.Println("ready")
	<-ctx.Done()
	time.Sleep(2 * sameRequest)
	fmt.Println("asked")
	select {}
}

func playRole() {
	ctx, stop := Role()
	defer stop()
	fmt.Println("ready")
	<-ctx.Done()
	fmt.Println("ended")
}

// playWrites writes to a pipe that nobody reads any more, and then a large file.
func playWrites() {
	_, stop := Context()
	defer stop()
	fmt.Println("ready")
	var err error
	for err == nil { // until the reader is gone
		_, err = fmt.Println("more")
	}
	file, createErr := os.Create(os.Args[1])
	if createErr != nil {
		os.Exit(1)
	}
	if _, writeErr := file.Write(make([]byte, 1<<20)); errors.Is(err, syscall.EPIPE) && errors.Is(writeErr, syscall.EFBIG) {
		os.Exit(7)
	}
}

// program is a running re-executed test binary.
type program struct {
	*exec.Cmd
	lines *bufio.Scanner
	out   io.ReadCloser
}

// start starts a program by a shell command that ends in exec "$0" "$@", and waits until it is
// ready.
func start(t *testing.T, role, shell string, args ...string) program {
	t.Helper()
	cmd := exec.Command("sh", append([]string{"-c", shell, os.Args[0]}, args...)...)
	cmd.Env = append(os.Environ(), roleEnv+"="+role)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	p := program{cmd, bufio.NewScanner(out), out}
	p.expect(t, "ready")
	return p
}

func (p program) expect(t *testing.T, want string) {
	t.Helper()
	if !p.lines.Scan() {
		t.Fatalf("ended: %v, want %q", p.lines.Err(), want)
	}
	if diff := cmp.Diff(want, p.lines.Text()); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
}

func (p program) signal(t *testing.T, all ...syscall.Signal) {
	t.Helper()
	for _, s := range all {
		if err := p.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
}

const plainly = `exec "$0" "$@"`

func TestContextEndsByTheFirstRequest(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		shell   string
		signals []syscall.Signal
		want    string
	}{
		"hangup":              {plainly, []syscall.Signal{syscall.SIGHUP}, "ended by SIGHUP true"},
		"interrupt":           {plainly, []syscall.Signal{syscall.SIGINT}, "ended by SIGINT true"},
		"quit":                {plainly, []syscall.Signal{syscall.SIGQUIT}, "ended by SIGQUIT true"},
		"terminate":           {plainly, []syscall.Signal{syscall.SIGTERM}, "ended by SIGTERM true"},
		"limit on CPU time":   {plainly, []syscall.Signal{syscall.SIGXCPU}, "ended by a signal: CPU time limit exceeded true"},
		"nohup":               {`trap "" HUP; ` + plainly, []syscall.Signal{syscall.SIGHUP, syscall.SIGHUP, syscall.SIGTERM}, "ended by SIGTERM true"},
		"in the background":   {`trap "" INT QUIT; ` + plainly, []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM}, "ended by SIGTERM true"},
		"a closed terminal":   {plainly, []syscall.Signal{syscall.SIGHUP, syscall.SIGHUP}, "ended by SIGHUP true"},
		"nohup, then control": {`trap "" HUP; ` + plainly, []syscall.Signal{syscall.SIGHUP, syscall.SIGINT}, "ended by SIGINT true"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, "ends", c.shell)
			p.signal(t, c.signals...)
			p.expect(t, c.want)
			if err := p.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
}

// A SIGHUP that is for Hangups ends nothing, and does not hide the request behind it.
func TestHangupsHideNoRequest(t *testing.T) {
	t.Parallel()
	for range 5 {
		p := start(t, "reloads", plainly)
		p.signal(t, syscall.SIGHUP, syscall.SIGHUP, syscall.SIGTERM)
		p.expect(t, "ended by SIGTERM true")
		if err := p.Wait(); err != nil {
			t.Error(err)
		}
	}
}

func TestSecondRequestEndsAtOnce(t *testing.T) {
	t.Parallel()
	for _, s := range []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM} {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			p := start(t, "stays", plainly)
			p.signal(t, syscall.SIGTERM)
			p.expect(t, "asked")
			p.signal(t, s)
			var exit *exec.ExitError
			if err := p.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != s {
				t.Errorf("%v, want the end by %v", err, s)
			}
		})
	}
}

// The kernel repeats SIGXCPU while the program takes its results to the disk.
func TestRepeatedLimitOnCPUTime(t *testing.T) {
	t.Parallel()
	p := start(t, "stays", plainly)
	p.signal(t, syscall.SIGXCPU)
	p.expect(t, "asked")
	p.signal(t, syscall.SIGXCPU, syscall.SIGXCPU, syscall.SIGTERM)
	var exit *exec.ExitError
	if err := p.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM {
		t.Errorf("%v, want the end by SIGTERM", err)
	}
}

func TestRoleEndsByTermAlone(t *testing.T) {
	t.Parallel()
	p := start(t, "role", plainly)
	p.signal(t, syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM)
	p.expect(t, "ended")
	if err := p.Wait(); err != nil {
		t.Error(err)
	}
}

func TestWritesFailWithoutASignal(t *testing.T) {
	t.Parallel()
	p := start(t, "writes", `ulimit -f 1; `+plainly, t.TempDir()+"/file")
	p.out.Close()
	var exit *exec.ExitError
	if err := p.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 7 {
		t.Errorf("%v, want exit status 7: %s", err, strings.Join(p.Args, " "))
	}
}
