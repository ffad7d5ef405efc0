package selftest

import (
	"context"
	"errors"
	"slices"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/control"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// followers are the devices whose speed is compared with the control's, the first one.
var followers = []string{"plain", "vxlan", "reference", "reference-tun", "reference-xdp", "wireguard-go"}

// speeds measures how fast the control is when this machine is fast, and how other devices follow
// it. A machine may keep a speed for ten seconds, so the measurements go on for longer.
func (t test) speeds(ctx context.Context, s lab.Settings) (err error) {
	sizes := []rfc2544.FrameSize{64, 512, 1518}
	times := 20
	if t.plan.Quick {
		times = 4
	}
	g, devices, err := t.bringUp(ctx, s, sizes[len(sizes)-1])
	if err != nil || len(devices) == 0 {
		return err
	}
	defer func() { err = errors.Join(err, g.Close()) }()
	series := map[rfc2544.FrameSize]*control.Series{}
	for i := range times * len(sizes) {
		size := sizes[i%len(sizes)]
		if series[size] == nil {
			series[size] = control.NewSeries(size, control.Known{})
			series[size].BringUp()
		}
		if err := series[size].Measure(ctx, g, devices); err != nil {
			return err
		}
	}
	for _, size := range sizes {
		if speed, ok := series[size].Speed(); ok {
			t.report.Speeds = append(t.report.Speeds, speed)
		} else {
			t.note("speed of the machine at %d bytes: not measured: too little of the time was undisturbed", size)
		}
	}
	return nil
}

// bringUp brings the control and the followers up at once. One that fails is left out, with a note;
// without the control nobody is up.
func (t test) bringUp(ctx context.Context, s lab.Settings, largest rfc2544.FrameSize) (g control.Group, devices []dut.Device, err error) {
	for _, name := range followers {
		d, err := dut.Parse(name)
		if err != nil {
			return nil, nil, err
		}
		devices = append(devices, d)
	}
	for {
		g, err := t.lab.Group(ctx, devices, s, largest)
		if err == nil || ctx.Err() != nil {
			return g, devices, err
		}
		t.note("speed of the machine: %v", err)
		var who lab.MemberError
		if !errors.As(err, &who) || who.Index == 0 {
			return nil, nil, nil
		}
		devices = slices.Delete(devices, who.Index, who.Index+1)
	}
}
