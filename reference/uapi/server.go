package uapi

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/sys"
)

// Limits of what clients may cost.
const (
	maxRequest = 16 << 20        // bytes: 65,536 peers with a preshared key, an endpoint and a prefix each
	maxClients = 8               // at once; others wait
	patience   = 5 * time.Second // for a whole request, and for taking the answer
)

// Server answers clients of a socket.
type Server struct {
	path     string
	listener *net.UnixListener
	file     os.FileInfo // of the socket
	slots    chan struct{}
	patience time.Duration
	all      sync.WaitGroup

	mu      sync.Mutex // guards the following
	clients map[net.Conn]bool
	closed  bool
}

// Listen makes the socket, for its owner only, and the folder that it is in. A socket at the path that nobody
// listens to is removed. Of several programs that do so at once, one gets the path.
func Listen(path string) (*Server, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	l, err := takePath(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	l.SetUnlinkOnClose(false) // somebody else's may be there by then
	s := &Server{path: path, listener: l, slots: make(chan struct{}, maxClients), patience: patience, clients: map[net.Conn]bool{}}
	if s.file, err = os.Lstat(path); err != nil {
		return nil, errors.Join(err, l.Close(), os.Remove(path))
	}
	return s, nil
}

// takePath listens at a path. It has the lock of a file beside it while it does, so that nobody removes a socket that
// another one has just made.
func takePath(path string) (_ *net.UnixListener, err error) {
	name := path + ".lock"
	lock, err := sys.OpenLock(name)
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	if err := sys.Flock(lock); errors.Is(err, syscall.EWOULDBLOCK) || err == nil && !isAt(lock, name) {
		return nil, errors.New("another program is about to listen there")
	} else if err != nil {
		return nil, err
	}
	defer os.Remove(name)
	l, err := sys.ListenPrivate(path)
	if errors.Is(err, syscall.EADDRINUSE) {
		if err := removeStale(path); err != nil {
			return nil, err
		}
		l, err = sys.ListenPrivate(path)
	}
	return l, err
}

// isAt reports whether an open file is still the one at a path: who had its lock before has removed it.
func isAt(f *os.File, path string) bool {
	opened, err := f.Stat()
	now, gone := os.Lstat(path)
	return err == nil && gone == nil && os.SameFile(opened, now)
}

// removeStale removes a socket that a process has left behind.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if info.Mode().Type() != os.ModeSocket {
		return errors.New("is there, and no socket")
	}
	c, err := net.Dial("unix", path)
	switch {
	case err == nil:
		c.Close()
		return errors.New("another program listens there")
	case errors.Is(err, syscall.ECONNREFUSED):
		return os.Remove(path)
	}
	return err
}

// Serve answers requests until Close. report gets what is wrong with a client's request.
func (s *Server) Serve(t Tunnel, report func(error)) {
	for {
		s.slots <- struct{}{}
		c, err := s.listener.Accept()
		if err == nil && s.admit(c) {
			go func() {
				defer s.dismiss(c)
				s.converse(c, t, report)
			}()
			continue
		}
		<-s.slots
		if errors.Is(err, net.ErrClosed) || err == nil {
			return
		}
		time.Sleep(10 * time.Millisecond) // no descriptors are left, perhaps
	}
}

// admit notes a client. It reports false after Close.
func (s *Server) admit(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		c.Close()
		return false
	}
	s.clients[c] = true
	s.all.Add(1)
	return true
}

func (s *Server) dismiss(c net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.clients, c)
	c.Close()
	<-s.slots
	s.all.Done()
}

// converse answers the requests of a client until it goes, says nothing for long or breaks the rules.
func (s *Server) converse(c net.Conn, t Tunnel, report func(error)) {
	in := bufio.NewReader(c)
	for {
		if err := c.SetDeadline(time.Now().Add(s.patience)); err != nil {
			return
		}
		text, err := readRequest(in)
		if err != nil && !errors.Is(err, syscall.E2BIG) {
			return
		}
		var answer []byte
		if err == nil {
			answer, err = Answer(t, string(text))
		} else {
			answer = appendErrno(nil, err)
		}
		failed := c.SetDeadline(time.Now().Add(s.patience))
		if failed == nil {
			_, failed = c.Write(answer)
		}
		clear(answer)
		if err != nil {
			report(err)
		}
		if failed != nil || errors.Is(err, syscall.E2BIG) {
			return
		}
	}
}

// readRequest reads lines until an empty one.
func readRequest(in *bufio.Reader) ([]byte, error) {
	var text bytes.Buffer
	for {
		line, err := in.ReadSlice('\n')
		switch {
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		case err != nil || text.Len()+len(line) > maxRequest:
			return nil, fmt.Errorf("a line has more than %d bytes, or a request more than %d: %w", in.Size(), maxRequest, syscall.E2BIG)
		case len(line) == 1:
			return text.Bytes(), nil
		}
		text.Write(line)
	}
}

// Close ends Serve and its clients, and removes the socket.
func (s *Server) Close() error {
	err := s.listener.Close()
	s.mu.Lock()
	s.closed = true
	for c := range s.clients {
		c.Close()
	}
	s.mu.Unlock()
	s.all.Wait()
	if now, gone := os.Lstat(s.path); gone == nil && os.SameFile(now, s.file) {
		err = errors.Join(err, os.Remove(s.path))
	}
	return err
}
