package streams

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Serve is the server of a measurement. It calls ready when it listens. It serves transactions until
// ctx is done, and bulk connections until the measurement window ends.
func Serve(ctx context.Context, p Plan, ready func()) (Result, error) {
	if err := p.Validate(); err != nil {
		return Result{}, err
	}
	listener, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(p.Server))
	if err != nil {
		return Result{}, fmt.Errorf("listen on %s: %w", p.Server, plainError(err))
	}
	defer listener.Close()
	ready()
	if p.Kind == Bulk {
		return serveBulk(ctx, listener)
	}
	serveTransactions(ctx, p, listener)
	return Result{}, nil
}

func serveBulk(ctx context.Context, listener *net.TCPListener) (Result, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	arrivals := make(chan *bulkEnd)
	go routineAccept(ctx, listener, arrivals)
	b := &bulk{}
	select {
	case e := <-arrivals:
		b.window, b.ends = e.window, []*bulkEnd{e}
	case <-ctx.Done():
		return b.result, context.Cause(ctx)
	}
	err := b.run(ctx, arrivals)
	return b.result, err
}

// routineAccept accepts connections, reads their headers and sends them to arrivals. It reads the
// headers concurrently, so that no connection waits for a lost header of another connection.
func routineAccept(ctx context.Context, listener *net.TCPListener, arrivals chan<- *bulkEnd) {
	for {
		conn, err := listener.AcceptTCP()
		if err != nil {
			return // the listener is closed, because the measurement is over
		}
		go func() {
			stop := context.AfterFunc(ctx, func() { conn.Close() })
			h := make([]byte, headerLen)
			_, err := io.ReadFull(conn, h)
			if !stop() || err != nil {
				conn.Close()
				return
			}
			select {
			case arrivals <- serverEnd(conn, h):
			case <-ctx.Done():
				conn.Close()
			}
		}()
	}
}

func serverEnd(conn *net.TCPConn, header []byte) *bulkEnd {
	direction, window := parseHeader(header)
	return &bulkEnd{conn: conn, window: window, direction: direction, sender: direction == rfc2544.Reverse}
}

// message holds the buffers of a connection of the server.
type message struct{ request, response []byte }

// serveTransactions accepts connections and answers their requests until ctx is done.
func serveTransactions(ctx context.Context, p Plan, listener *net.TCPListener) {
	messages := sync.Pool{New: func() any { return &message{make([]byte, p.Request), make([]byte, p.Response)} }}
	stop := context.AfterFunc(ctx, func() { listener.Close() })
	defer stop()
	var all sync.WaitGroup
	defer all.Wait()
	for {
		conn, err := listener.AcceptTCP()
		if err != nil {
			if ctx.Err() != nil {
				return
			}
			time.Sleep(time.Millisecond) // no free file descriptor, or the connection has ended
			continue
		}
		all.Go(func() {
			m := messages.Get().(*message)
			defer messages.Put(m)
			stop := context.AfterFunc(ctx, func() { conn.Close() })
			defer stop()
			answer(conn, m)
		})
	}
}

// answer reads requests and writes responses until the client closes the connection.
func answer(conn *net.TCPConn, m *message) {
	defer conn.Close()
	if conn.SetNoDelay(true) != nil {
		return
	}
	for {
		if _, err := io.ReadFull(conn, m.request); err != nil {
			return
		}
		if _, err := conn.Write(m.response); err != nil {
			return
		}
	}
}
