package streams

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Run is the client of a measurement. It connects to the server, calls begun with the measurement
// window, and measures. The error is one line. The measurement ends after Plan.Limit at the latest,
// even if the path or the server fails.
func Run(ctx context.Context, p Plan, begun func(Window)) (Result, error) {
	if err := p.Validate(); err != nil {
		return Result{}, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, p.Limit(), fmt.Errorf("not over after %v", p.Limit()))
	defer cancel()
	if p.Kind == Bulk {
		return runBulk(ctx, p, begun)
	}
	return runTransactions(ctx, p, begun)
}

// connect opens a connection without TCP keep-alive.
func (p Plan) connect(ctx context.Context, limit time.Duration) (*net.TCPConn, error) {
	d := net.Dialer{Timeout: limit, KeepAlive: -1}
	conn, err := d.DialContext(ctx, "tcp", cmp.Or(p.Via, p.Server).String())
	if err != nil {
		return nil, plainError(err)
	}
	tcp := conn.(*net.TCPConn)
	return tcp, tcp.SetNoDelay(true)
}

// plainError removes the addresses from a network error, because the plan already contains them.
func plainError(err error) error {
	var op *net.OpError
	if !errors.As(err, &op) {
		return err
	}
	if op.Timeout() {
		return fmt.Errorf("%s: %w", op.Op, os.ErrDeadlineExceeded)
	}
	return fmt.Errorf("%s: %w", op.Op, op.Err)
}

// connectAll opens n connections at the same time.
func (p Plan) connectAll(ctx context.Context, n int) ([]*net.TCPConn, error) {
	conns, errs := make([]*net.TCPConn, n), make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { conns[i], errs[i] = p.connect(ctx, p.Connect) })
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			closeAll(conns)
			return nil, err
		}
	}
	return conns, nil
}

func closeAll(conns []*net.TCPConn) {
	for _, c := range conns {
		if c != nil {
			abort(c)
		}
	}
}

// window returns the measurement window, which begins after the warm-up.
func (p Plan) window() Window {
	start := sys.Monotonic() + uint64(p.Warmup)
	return Window{Start: start, End: start + uint64(p.Duration)}
}

func runBulk(ctx context.Context, p Plan, begun func(Window)) (Result, error) {
	b := &bulk{}
	conns, err := p.connectAll(ctx, p.Connections*len(p.directions()))
	if err != nil {
		return b.result, err
	}
	if b.result.CongestionControl, err = onSocket(conns[0], sys.CongestionControl); err != nil {
		closeAll(conns)
		return b.result, err
	}
	b.window = p.window()
	begun(b.window)
	for i, conn := range conns {
		direction := p.directions()[i/p.Connections]
		if _, err := conn.Write(b.window.header(direction)); err != nil {
			closeAll(conns)
			return b.result, plainError(err)
		}
		b.ends = append(b.ends, &bulkEnd{conn: conn, window: b.window, direction: direction, sender: direction == rfc2544.Forward})
	}
	err = b.run(ctx, nil)
	return b.result, err
}
