package streams

import (
	"context"
	"errors"
	"net"
	"time"
)

// bulk is one process's part of a bulk measurement.
type bulk struct {
	window Window
	ends   []*bulkEnd
	failed chan error
	began  time.Time // of the window, as it came about
	result Result
}

// run carries until the window is over. It begins with the ends at hand, and
// takes later ones as they arrive.
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
			default: // one is enough
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
		e.octetsBefore = e.octets.Load()
	}
	return nil
}

// finish takes the result and lets the other end take its own.
func (b *bulk) finish(ctx context.Context) error {
	if b.began.IsZero() {
		return errors.New("the machine slept through the measurement")
	}
	elapsed := time.Since(b.began)
	for _, e := range b.ends {
		c := Connection{Direction: e.direction, Sender: e.sender}
		if !e.sender {
			c.Octets, c.Elapsed = e.octets.Load()-e.octetsBefore, elapsed
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

// abort closes a connection with a reset (SO_LINGER 0), so that it leaves no TIME_WAIT entry. Those
// entries would use up the ports.
func abort(conn *net.TCPConn) {
	_ = conn.SetLinger(0) // fails only on a connection that is gone
	_ = conn.Close()
}
