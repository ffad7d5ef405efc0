package live

import (
	"context"
	"net"
	"runtime"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// wanSocket sends frames onto the wan link.
type wanSocket struct {
	socket *sys.PacketSocket
	cpus   []int // where it sends
}

func openWANSocket(ns *netns.NS, cpus []int) (*wanSocket, error) {
	a := &wanSocket{cpus: cpus}
	err := ns.Do(func() error {
		dev, err := net.InterfaceByName(netns.WAN)
		if err == nil {
			a.socket, err = sys.OpenPacket(dev.Index, 16, 2048)
		}
		return err
	})
	return a, err
}

func (a *wanSocket) close() error { return a.socket.Close() }

// routineSend sends frames at a rate until all are sent, d has passed or ctx is done. It returns the CPU time that it
// took on the cores where it sends, too.
func (a *wanSocket) routineSend(ctx context.Context, frames [][]byte, rate rfc2544.Rate, d time.Duration) (sent uint64, cpu time.Duration, err error) {
	runtime.LockOSThread() // never unlocked: the thread keeps its core and ends with the goroutine
	if err := sys.SetAffinity(0, a.cpus); err != nil {
		return 0, 0, err
	}
	before := sys.ThreadCPU()
	sent, err = a.send(ctx, frames, rate, d)
	return sent, sys.ThreadCPU() - before, err
}

func (a *wanSocket) send(ctx context.Context, frames [][]byte, rate rfc2544.Rate, d time.Duration) (sent uint64, err error) {
	const burst = 64
	start := time.Now()
	for ctx.Err() == nil {
		elapsed := time.Since(start)
		if elapsed >= d {
			return sent, nil
		}
		due := min(rate.Frames(elapsed), uint64(len(frames)))
		if due <= sent {
			time.Sleep(100 * time.Microsecond)
			continue
		}
		n, err := a.socket.Send(frames[sent:min(due, sent+burst)])
		if err != nil {
			return sent, err
		}
		if n == 0 { // the queue is full: the frame is lost, as on a wire
			n = 1
		}
		sent += uint64(n)
	}
	return sent, nil
}
