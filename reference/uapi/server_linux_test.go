package uapi

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/reference/roster"
)

// serve serves a table at a path until the test ends. reports returns what was reported.
func serve(t *testing.T, path string, patience time.Duration) (s *Server, reports func() []string) {
	t.Helper()
	return serveTunnel(t, path, patience, newTable())
}

func serveTunnel(t *testing.T, path string, patience time.Duration, tunnel Tunnel) (s *Server, reports func() []string) {
	t.Helper()
	s, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	s.patience = patience
	var mu sync.Mutex
	var all []string
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.Serve(tunnel, func(err error) {
			mu.Lock()
			defer mu.Unlock()
			all = append(all, err.Error())
		})
	}()
	t.Cleanup(func() {
		s.Close()
		<-ended
	})
	return s, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return all
	}
}

func dial(t *testing.T, path string) net.Conn {
	t.Helper()
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

// ask sends a request and returns the answer, up to its empty line.
func ask(t *testing.T, c net.Conn, request string) string {
	t.Helper()
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	var answer []byte
	for !strings.HasSuffix(string(answer), "\n\n") {
		var b [1]byte
		if _, err := c.Read(b[:]); err != nil {
			t.Fatalf("%v after %q", err, answer)
		}
		answer = append(answer, b[0])
	}
	return string(answer)
}

// A client may ask several times, and one that errs does not disturb others.
func TestServe(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "wireguard", "tun0.sock")
	s, reports := serve(t, path, time.Minute)
	for name, want := range map[string]os.FileMode{path: os.ModeSocket | 0o600, filepath.Dir(path): os.ModeDir | 0o700} {
		if info, err := os.Lstat(name); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v, want %v", name, info.Mode(), err, want)
		}
	}
	first, second := dial(t, path), dial(t, path)
	for _, c := range []net.Conn{first, second, first} {
		if got := ask(t, c, "get=1\n\n"); !strings.HasPrefix(got, "private_key=") || !strings.HasSuffix(got, "\nerrno=0\n\n") {
			t.Errorf("%q", got)
		}
		if got := ask(t, c, "set=1\nprivate_key="+hexOf(far)+"\n\n"); got != "errno=-95\n\n" {
			t.Errorf("%q", got)
		}
	}
	s.Close()
	if n := len(reports()); n != 3 {
		t.Errorf("%d reports, want 3", n)
	}
	for _, r := range reports() {
		if r != "private_key: cannot be changed while the tunnel runs: operation not supported" {
			t.Errorf("reported %q", r)
		}
	}
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("the socket is left: %v", err)
	}
	if _, err := first.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("a client of a closed server: %v", err)
	}
}

// Clients that say nothing, half of a request or too much are let go, so that others get their turn.
func TestServeIsBounded(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tun0.sock")
	serve(t, path, 50*time.Millisecond)
	for range 3 * maxClients {
		dial(t, path)
	}
	if _, err := io.WriteString(dial(t, path), "set=1\nreplace_peers=true\n"); err != nil {
		t.Fatal(err)
	}
	var got []byte
	for end := time.Now().Add(30 * time.Second); len(got) == 0 && time.Now().Before(end); { // this one may be late, too
		c := dial(t, path)
		_, _ = io.WriteString(c, "set=1\n"+strings.Repeat("x", 5000))
		got, _ = io.ReadAll(c)
	}
	if string(got) != "errno=-7\n\n" {
		t.Errorf("a long line: %q", got)
	}
}

func TestRequestIsBounded(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tun0.sock")
	serve(t, path, time.Minute)
	c := dial(t, path)
	go func() {
		line := strings.Repeat("fwmark=0\n", 1000)
		for sent := 0; sent <= maxRequest; sent += len(line) {
			if _, err := io.WriteString(c, line); err != nil {
				return // it has been let go
			}
		}
	}()
	if got := ask(t, c, "set=1\n"); got != "errno=-7\n\n" {
		t.Errorf("a long request: %q", got)
	}
}

// A socket that a killed process has left is replaced; one that somebody listens to, and anything else, is not.
func TestListenReplacesOnlyStaleSockets(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	stale, live, file := filepath.Join(dir, "stale"), filepath.Join(dir, "live"), filepath.Join(dir, "file")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	serve(t, stale, time.Minute)
	ask(t, dial(t, stale), "get=1\n\n")
	serve(t, live, time.Minute)
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{live: live + ": another program listens there", file: file + ": is there, and no socket"} {
		if _, err := Listen(path); err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
		if _, err := os.Lstat(path); err != nil {
			t.Error(err)
		}
	}
}

// Of several tunnels that start on one stale socket, exactly one gets it, and the others say why they do not.
func TestListenHasOneWinner(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tun0.sock")
	for range 50 {
		if l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path}); err != nil {
			t.Fatal(err)
		} else {
			l.SetUnlinkOnClose(false)
			l.Close()
		}
		var servers [8]*Server
		var errs [len(servers)]error
		var all sync.WaitGroup
		start := make(chan struct{})
		for i := range servers {
			all.Go(func() { <-start; servers[i], errs[i] = Listen(path) })
		}
		close(start)
		all.Wait()
		winners := 0
		for i, s := range servers {
			switch {
			case s != nil:
				winners++
				if now, err := os.Lstat(path); err != nil || !os.SameFile(now, s.file) {
					t.Errorf("the socket of the winner is gone: %v", err)
				}
				s.Close()
			case !strings.HasPrefix(errs[i].Error(), path+": another program "):
				t.Error(errs[i])
			}
		}
		if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) > 0 {
			t.Errorf("%v are left, %v", left, err)
		}
		if winners != 1 {
			t.Fatalf("%d tunnels listen at one path", winners)
		}
	}
}

// A server that was replaced does not remove what is not its own.
func TestCloseLeavesOthers(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tun0.sock")
	s, _ := serve(t, path, time.Minute)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	serve(t, path, time.Minute)
	s.Close()
	ask(t, dial(t, path), "get=1\n\n")
}

// slow is a tunnel with so many peers that a change takes longer than clients may be silent.
type slow struct {
	*table
	takes time.Duration
}

func (s slow) Change(c roster.Change) error {
	time.Sleep(s.takes)
	return s.table.Change(c)
}

func TestServeAnswersAfterLongChange(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tun0.sock")
	const patience = time.Second
	serveTunnel(t, path, patience, slow{newTable(), 2 * patience})
	if got := ask(t, dial(t, path), "set=1\n\n"); got != "errno=0\n\n" {
		t.Errorf("%q", got)
	}
}
