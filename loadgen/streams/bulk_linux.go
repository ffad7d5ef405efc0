package streams

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// A bulk connection begins with a header from the client. The header says which end sends and gives
// the measurement window.
//
//	0         1          9        17
//	+---------+----------+---------+
//	| reverse | start ns | end ns  |
//	+---------+----------+---------+
const headerLen = 17

// bulkBuffer is the size of a read or write in bytes.
const bulkBuffer = 128 << 10

// bulkEnd is one end of a bulk connection.
type bulkEnd struct {
	conn      *net.TCPConn
	window    Window
	direction string
	sender    bool          // this end sends
	bytes     atomic.Uint64 // bytes that this end has read so far

	bytesBefore uint64      // value of bytes at the start of the window
	infoBefore  sys.TCPInfo // the kernel's state of the connection at the start of the window
}

func (w Window) header(direction string) []byte {
	h := make([]byte, headerLen)
	if direction == rfc2544.Reverse {
		h[0] = 1
	}
	binary.BigEndian.PutUint64(h[1:], w.Start)
	binary.BigEndian.PutUint64(h[9:], w.End)
	return h
}

func parseHeader(h []byte) (direction string, w Window) {
	direction = rfc2544.Forward
	if h[0] == 1 {
		direction = rfc2544.Reverse
	}
	return direction, Window{Start: binary.BigEndian.Uint64(h[1:]), End: binary.BigEndian.Uint64(h[9:])}
}

// until returns the time until moment (CLOCK_MONOTONIC, ns).
func until(moment uint64) time.Duration { return time.Duration(int64(moment) - int64(sys.Monotonic())) }

// carry sends or reads until the window ends. It returns an error only if the connection ends before.
func (e *bulkEnd) carry() error {
	if err := e.conn.SetDeadline(time.Now().Add(until(e.window.End))); err != nil {
		return err
	}
	buf := make([]byte, bulkBuffer)
	for {
		var n int
		var err error
		if e.sender {
			_, err = e.conn.Write(buf)
		} else {
			n, err = e.conn.Read(buf)
			e.bytes.Add(uint64(n))
		}
		switch {
		case err == nil:
			continue
		case errors.Is(err, os.ErrDeadlineExceeded) || until(e.window.End) <= 0:
			return nil
		case errors.Is(err, io.EOF):
			err = errors.New("closed by the other end")
		}
		return fmt.Errorf("a %s connection ended %v before its time: %w", e.direction, until(e.window.End).Round(time.Millisecond), plainError(err))
	}
}

// info returns the kernel's state of the connection (TCP_INFO, tcp(7)). It is empty for a receiver.
func (e *bulkEnd) info() (info sys.TCPInfo, err error) {
	if !e.sender {
		return info, nil
	}
	return onSocket(e.conn, sys.ReadTCPInfo)
}

// onSocket calls ask with the file descriptor of a connection.
func onSocket[T any](conn *net.TCPConn, ask func(fd uintptr) (T, error)) (answer T, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return answer, err
	}
	var asked error
	err = raw.Control(func(fd uintptr) { answer, asked = ask(fd) })
	return answer, errors.Join(err, asked)
}
