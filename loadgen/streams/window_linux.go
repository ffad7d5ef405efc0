package streams

import (
	"context"
	"errors"
	"net"
	"time"
)

// bulk is the part of a bulk measurement that runs in one process.
type bulk struct {
	window Window
	ends   []*bulkEnd
	failed chan error
	began  time.Time // time at which the window actually began
	result Result
}

// run sends and reads on all connections until the window ends. It starts with the connections in
// b.ends and adds those from arrivals.
func (b *bulk) run(ctx context.Context, arrivals <-chan *bulkEnd) error {
	b.failed = make(chan error, 1)
	begin, end := time.NewTimer(until(b.window.Start)), time.NewTimer(until(b.window.End))
	defer begin.Stop()
	defer end.Stop()
	defer b.close()
	for _, e := range b.ends {
		b.carry(e)
	}
	for {
		select {
		case e := <-arrivals:
			b.ends = append(b.ends, e)
			b.carry(e)
		case <-begin.C:
			if err := b.begin(); err != nil {
				return err
			}
		case err := <-b.failed:
			return err
		case <-end.C:
			return b.finish(ctx)
		case <-ctx.Done():
			if until(b.window.End) > 0 {
				return context.Cause(ctx)
			}
			return b.finish(ctx)
		}
	}
}

func (b *bulk) carry(e *bulkEnd) {
	go func() {
		if err := e.carry(); err != nil {
			select {
			case b.failed <- err:
			default: // run needs only the first error
			}
		}
	}()
}

func (b *bulk) begin() (err error) {
	for _, e := range b.ends {
		if e.infoBefore, err = e.info(); err != nil {
			return err
		}
	}
	b.began = time.Now()
	for _, e := range b.ends {
		e.bytesBefore = e.bytes.Load()
	}
	return nil
}

// finish stores the result. Then it keeps the connections open for the time settle, so that the other
// end can also store its result.
func (b *bulk) finish(ctx context.Context) error {
	if b.began.IsZero() {
		return errors.New("the machine slept through the measurement")
	}
	elapsed := time.Since(b.began)
	for _, e := range b.ends {
		c := Connection{Direction: e.direction, Sender: e.sender}
		if !e.sender {
			c.Octets, c.Elapsed = e.bytes.Load()-e.bytesBefore, elapsed
		}
		b.result.Connections = append(b.result.Connections, c)
	}
	for i, e := range b.ends {
		info, err := e.info()
		if err != nil {
			return err
		}
		c := &b.result.Connections[i]
		c.Retransmits, c.RTT, c.MinRTT, c.MSS = info.Retransmits-e.infoBefore.Retransmits, info.RTT, info.MinRTT, info.MSS
	}
	select {
	case <-time.After(settle):
	case <-ctx.Done():
	}
	return nil
}

func (b *bulk) close() {
	for _, e := range b.ends {
		abort(e.conn)
	}
}

// abort closes a connection with a reset (SO_LINGER 0, socket(7)). So no connection stays in the state
// TIME_WAIT, and the ports do not run out.
func abort(conn *net.TCPConn) {
	_ = conn.SetLinger(0) // fails only if the connection is already closed
	_ = conn.Close()
}
