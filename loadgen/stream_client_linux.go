package loadgen

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// RunStreams is the client's part of a measurement: it connects, tells begun
// when it is measured, and measures. The error is one line; the measurement takes
// no longer than the plan's Limit, even when the path or the server dies.
func RunStreams(ctx context.Context, p StreamPlan, begun func(StreamWindow)) (StreamResult, error) {
	if err := p.Validate(); err != nil {
		return StreamResult{}, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, p.Limit(), fmt.Errorf("not over after %v", p.Limit()))
	defer cancel()
	if p.Kind == StreamBulk {
		return runBulk(ctx, p, begun)
	}
	return runTransactions(ctx, p, begun)
}

// connect opens a connection without keep-alives of its own.
func (p StreamPlan) connect(ctx context.Context, limit time.Duration) (*net.TCPConn, error) {
	d := net.Dialer{Timeout: limit, KeepAlive: -1}
	conn, err := d.DialContext(ctx, "tcp", p.Server.String())
	if err != nil {
		return nil, plainError(err)
	}
	tcp := conn.(*net.TCPConn)
	return tcp, tcp.SetNoDelay(true)
}

// plainError leaves out the addresses, which say nothing that the plan does not.
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

// connectAll opens n connections at once.
func (p StreamPlan) connectAll(ctx context.Context, n int) ([]*net.TCPConn, error) {
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

// window begins after the warm-up.
func (p StreamPlan) window() StreamWindow {
	start := sys.Monotonic() + uint64(p.Warmup)
	return StreamWindow{Start: start, End: start + uint64(p.Duration)}
}

func runBulk(ctx context.Context, p StreamPlan, begun func(StreamWindow)) (StreamResult, error) {
	b := &bulk{}
	conns, err := p.connectAll(ctx, p.Connections*len(p.directions()))
	if err != nil {
		return b.result, err
	}
	if b.result.Algorithm, err = onSocket(conns[0], sys.CongestionControl); err != nil {
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

// transactor is one of those that do transactions in a loop.
type transactor struct {
	plan              StreamPlan
	conn              *net.TCPConn // of rr
	request, response []byte
	latency           *histogram
	failures          uint64
	last              time.Time // when the last transaction was over
	err               error
}

func runTransactions(ctx context.Context, p StreamPlan, begun func(StreamWindow)) (StreamResult, error) {
	var r StreamResult
	conns, err := p.connectAll(ctx, p.Connections)
	if err != nil {
		return r, err
	}
	defer closeAll(conns)
	if r.Algorithm, err = onSocket(conns[0], sys.CongestionControl); err != nil {
		return r, err
	}
	w := p.window()
	begun(w)
	start := time.Now().Add(until(w.Start))
	end := start.Add(p.Duration)
	all := make([]*transactor, len(conns))
	var done sync.WaitGroup
	for i, conn := range conns {
		t := &transactor{plan: p, conn: conn, request: make([]byte, p.Request), response: make([]byte, p.Response), latency: newHistogram(), last: start}
		all[i] = t
		stop := context.AfterFunc(ctx, func() { conn.Close() })
		defer stop()
		done.Go(func() { t.loop(ctx, start, end) })
	}
	done.Wait()
	return r, joinTransactions(&r, all, start)
}

func joinTransactions(r *StreamResult, all []*transactor, start time.Time) error {
	latency := newHistogram()
	for _, t := range all {
		if t.err != nil {
			return t.err
		}
		latency.merge(t.latency)
		r.Failures += t.failures
		r.Elapsed = max(r.Elapsed, t.last.Sub(start))
	}
	if r.Latency = latency.distribution(); r.Latency != nil {
		r.Transactions = r.Latency.N
	}
	return nil
}

// loop does transactions until the window ends; those begun within it count,
// answered in it or after.
func (t *transactor) loop(ctx context.Context, start, end time.Time) {
	for ctx.Err() == nil {
		begin := time.Now()
		if !begin.Before(end) {
			return
		}
		err := t.transact(ctx)
		if ctx.Err() != nil {
			break
		}
		if err != nil && t.plan.Kind == StreamRR {
			t.err = fmt.Errorf("a request was not answered: %w", plainError(err))
			return
		}
		if begin.Before(start) {
			continue
		}
		if t.last = time.Now(); err != nil {
			t.failures++
			continue
		}
		t.latency.add(uint64(t.last.Sub(begin)))
	}
	t.err = context.Cause(ctx)
}

// transact does one transaction; of crr with a connection of its own.
func (t *transactor) transact(ctx context.Context) error {
	if t.plan.Kind == StreamRR {
		return t.ask(t.conn)
	}
	conn, err := t.plan.connect(ctx, answerLimit)
	if err != nil {
		return err
	}
	defer abort(conn)
	return t.ask(conn)
}

func (t *transactor) ask(conn *net.TCPConn) error {
	if err := conn.SetDeadline(time.Now().Add(answerLimit)); err != nil {
		return err
	}
	if _, err := conn.Write(t.request); err != nil {
		return err
	}
	_, err := io.ReadFull(conn, t.response)
	return err
}
