package guest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/tunnelbench/tunnelbench/internal/lab/emulated"
	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// What the ends of a device are told is the same in every boot: the identifier of the run, from which
// they derive their keys, and the folder that they share.
const (
	runName      = "emulated"
	sharedFolder = "/tmp/device"
)

// count brings the device up and prints its cost at each size.
func count(ctx context.Context, d dut.Device, job emulated.Job) (err error) {
	network, err := netns.Build(ctx, d.Topology(netns.Plan{}), netns.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, network.Close()) }()
	if err := os.Mkdir(sharedFolder, 0o755); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(sharedFolder)) }()
	session := &dut.Session{}
	if d.Up != nil {
		if session, err = d.Up(ctx, dut.Env{
			Net: network, CPUs: []int{0}, MTU: netns.DefaultLANMTU, Run: runName, Dir: sharedFolder, Build: d.Build, Params: d.Values,
		}); err != nil {
			return err
		}
	}
	defer func() { err = errors.Join(err, session.Close()) }()
	l, err := openLoop(network, d.Up != nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.close()) }()
	for _, size := range job.Sizes {
		cost, err := measure(l, d, session, size, job.Batches)
		if err != nil {
			return fmt.Errorf("%d bytes: %w%s", size, err, session.StderrTail())
		}
		cost.Device = d.Argument
		say(emulated.Line{Cost: cost})
	}
	return nil
}

// measure runs the loop on a thread of its own, whose scheduling class it changes. The thread ends
// with the goroutine.
func measure(l *loop, d dut.Device, session *dut.Session, size rfc2544.FrameSize, batches int) (cost *result.Cost, err error) {
	left, err := session.PIDs(netns.Left)
	if err != nil {
		return nil, err
	}
	right, err := session.PIDs(netns.Right)
	if err != nil {
		return nil, err
	}
	if err := l.frame(size); err != nil {
		return nil, err
	}
	if err := l.reach(d.UpTimeout(), session.Alive); err != nil {
		return nil, err
	}
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		cost, err = l.measure(batches, [2][]int{left, right})
	}()
	<-done
	if err != nil {
		return nil, errors.Join(err, session.Alive())
	}
	cost.FrameSize = size
	return cost, nil
}

// openLoop opens the tester's two ports. routed says that a router is behind port 0.
func openLoop(network *netns.Net, routed bool) (*loop, error) {
	hop := netns.Port1MAC
	if routed {
		hop = netns.LeftLANMAC
	}
	l := &loop{stream: loadgen.Stream{
		From: loadgen.Endpoint{MAC: netns.Port0MAC[:], IP: netns.Port0Addr}, To: netns.Port1Addr, NextHop: hop[:],
	}}
	const slots, head = 256, 80 // head: the kernel's part of a slot
	ns := network.NS(netns.Tester)
	for i, port := range []string{netns.Port0, netns.Port1} {
		err := ns.Do(func() error {
			dev, err := net.InterfaceByName(port)
			if err == nil {
				l.ports[i], err = sys.OpenPacket(dev.Index, slots, emulated.LargestFrame.OnVeth()+head)
			}
			return err
		})
		if err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", port, err), l.close())
		}
	}
	return l, nil
}
