package uapi

import (
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/reference/roster"
)

// static is a tunnel that has no file.
type static struct{}

func (static) State() roster.State        { return roster.State{} }
func (static) Change(roster.Change) error { return nil }

func TestReload(t *testing.T) {
	t.Parallel()
	path, tunnel := filepath.Join(t.TempDir(), "tun0.sock"), newTable()
	_, reports := serveTunnel(t, path, time.Minute, tunnel)
	if err := Reload(t.Context(), path); err != nil || tunnel.reloads != 1 {
		t.Errorf("%d reloads, %v", tunnel.reloads, err)
	}
	tunnel.err = errors.New("end.yaml:3: mtu: 1400 cannot become 1500")
	if err := Reload(t.Context(), path); !errors.Is(err, ErrRefused) || err.Error() != "end.yaml:3: mtu: 1400 cannot become 1500 (the tunnel goes on as it was)" {
		t.Errorf("error %v", err)
	}
	for deadline := time.Now().Add(10 * time.Second); len(reports()) == 0 && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
	}
	if r := reports(); len(r) != 1 || r[0] != tunnel.err.Error() {
		t.Errorf("reported %q", r)
	}
	if got := ask(t, dial(t, path), "reload=1\n\n"); got != "reason=end.yaml:3: mtu: 1400 cannot become 1500\nerrno=-22\n\n" {
		t.Errorf("%q", got)
	}
}

// A tunnel without a file, a program that knows no reload, and nobody at all.
func TestReloadOfOthers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	plain, foreign := filepath.Join(dir, "static"), filepath.Join(dir, "foreign")
	serveTunnel(t, plain, time.Minute, static{})
	l, err := net.Listen("unix", foreign)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		if c, err := l.Accept(); err == nil {
			_, _ = c.Read(make([]byte, 100))
			_, _ = c.Write([]byte("errno=-22\n\n"))
			c.Close()
		}
	}()
	for path, want := range map[string]string{
		plain: "it has no file: unsupported operation", foreign: foreign + ": no tunnel of this program: errno -22", filepath.Join(dir, "none"): "no tunnel answers: dial unix " + dir + "/none: ",
	} {
		if err := Reload(t.Context(), path); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}
