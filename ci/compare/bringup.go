package compare

import (
	"context"
	"errors"
	"slices"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/control"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// bringUps is the number of times that a device is brought up before it counts as failed: some
// tunnels come up late once in ten times.
const bringUps = 3

// again reports whether a bring-up that failed is repeated: the device failed, and not because it
// cannot run on this machine.
func again(ctx context.Context, err error) bool {
	return err != nil && ctx.Err() == nil && deviceFailed(err) && !errors.Is(err, errors.ErrUnsupported)
}

// deviceFailed reports whether err is the device's own failure, so that the others can be measured on.
func deviceFailed(err error) bool {
	return lab.DeviceFailed(err) || errors.Is(err, errors.ErrUnsupported)
}

// bringUp brings a device up alone, and again if it fails.
func bringUp(ctx context.Context, l Lab, d dut.Device, s lab.Settings, size rfc2544.FrameSize) (b Setup, err error) {
	for range bringUps {
		if b, err = l.Setup(ctx, d, s, size); !again(ctx, err) {
			break
		}
	}
	return b, err
}

// gathering is some devices that are brought up at once.
type gathering struct {
	devices []dut.Device
	up      []int   // the devices that are up
	errs    []error // by device: why it is not up
}

// gather brings devices up at once, without those that fail again and again. The group is nil if none
// is left. An error is the lab's.
func gather(ctx context.Context, l Lab, devices []dut.Device, s lab.Settings, size rfc2544.FrameSize) (g control.Group, all gathering, err error) {
	all = gathering{devices: devices, errs: make([]error, len(devices))}
	failed := make([]int, len(devices))
	for k := range devices {
		all.up = append(all.up, k)
	}
	for len(all.up) > 0 {
		g, err := l.Group(ctx, all.present(), s, size)
		var member lab.MemberError
		if !errors.As(err, &member) || !deviceFailed(err) {
			return g, all, err
		}
		k := all.up[member.Index]
		if failed[k]++; failed[k] < bringUps && again(ctx, err) {
			continue
		}
		if ctx.Err() != nil {
			return nil, all, err
		}
		if errors.Is(err, errors.ErrUnsupported) && aloneIsUp(ctx, l, devices[k], s, size) {
			return nil, all, err // only not beside others
		}
		all.errs[k] = err
		all.up = slices.Delete(all.up, member.Index, member.Index+1)
	}
	return nil, all, nil
}

// aloneIsUp reports whether a device comes up alone.
func aloneIsUp(ctx context.Context, l Lab, d dut.Device, s lab.Settings, size rfc2544.FrameSize) bool {
	b, err := l.Setup(ctx, d, s, size)
	return err == nil && b.Close() == nil
}

// present returns the devices that are up.
func (g gathering) present() (some []dut.Device) {
	for _, k := range g.up {
		some = append(some, g.devices[k])
	}
	return some
}
