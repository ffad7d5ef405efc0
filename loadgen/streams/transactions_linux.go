package streams

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/loadgen"
)

// transactor makes transactions in a loop. Several transactors run concurrently.
type transactor struct {
	plan              Plan
	conn              *net.TCPConn // connection for rr
	request, response []byte
	latency           *loadgen.Histogram
	failures          uint64
	last              time.Time // end of the last transaction
	err               error
}

func runTransactions(ctx context.Context, p Plan, begun func(Window)) (Result, error) {
	var r Result
	conns, err := p.connectAll(ctx, p.Connections)
	if err != nil {
		return r, err
	}
	defer closeAll(conns)
	if r.CongestionControl, err = onSocket(conns[0], sys.CongestionControl); err != nil {
		return r, err
	}
	w := p.window()
	begun(w)
	start := time.Now().Add(until(w.Start))
	end := start.Add(p.Duration)
	all := make([]*transactor, len(conns))
	var done sync.WaitGroup
	for i, conn := range conns {
		t := &transactor{plan: p, conn: conn, request: make([]byte, p.Request), response: make([]byte, p.Response), latency: loadgen.NewHistogram(), last: start}
		all[i] = t
		stop := context.AfterFunc(ctx, func() { conn.Close() })
		defer stop()
		done.Go(func() { t.loop(ctx, start, end) })
	}
	done.Wait()
	return r, joinTransactions(&r, all, start)
}

func joinTransactions(r *Result, all []*transactor, start time.Time) error {
	latency := loadgen.NewHistogram()
	for _, t := range all {
		if t.err != nil {
			return t.err
		}
		latency.Merge(t.latency)
		r.Failures += t.failures
		r.Elapsed = max(r.Elapsed, t.last.Sub(start))
	}
	if r.Latency = latency.Distribution(); r.Latency != nil {
		r.Transactions = r.Latency.N
	}
	return nil
}

// loop makes transactions until the window ends. It counts the transactions that began within the
// window, even if they end after the window.
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
		if err != nil && t.plan.Kind == RR {
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
		t.latency.Add(uint64(t.last.Sub(begin)))
	}
	t.err = context.Cause(ctx)
}

// transact makes a transaction. For crr it opens a new connection.
func (t *transactor) transact(ctx context.Context) error {
	if t.plan.Kind == RR {
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
