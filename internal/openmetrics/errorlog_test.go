package openmetrics

import (
	"bytes"
	"log"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// exhausted is a listener of a process that has no descriptors left, until it is closed.
type exhausted struct {
	net.Listener
	asked  chan struct{} // once for each connection that could not be taken
	closed chan struct{}
}

func (e exhausted) Accept() (net.Conn, error) {
	select {
	case <-e.closed:
		return nil, net.ErrClosed
	case e.asked <- struct{}{}:
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: syscall.EMFILE}
	}
}

func (e exhausted) Close() error {
	close(e.closed)
	return nil
}

// lines is a log's output that can be awaited.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(bytes.Clone(p))
	return len(p), nil
}

// What is wrong with connections goes to the log of the server, and not to stderr.
func TestErrorLog(t *testing.T) {
	t.Parallel()
	said := make(lines, 1)
	l := exhausted{asked: make(chan struct{}), closed: make(chan struct{})}
	s := &Server{listener: l, ErrorLog: log.New(said, "", 0)}
	s.Serve(prometheus.NewRegistry())
	<-l.asked
	if line := <-said; !strings.Contains(line, "Accept error") || !strings.Contains(line, syscall.EMFILE.Error()) {
		t.Errorf("said %q", line)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
