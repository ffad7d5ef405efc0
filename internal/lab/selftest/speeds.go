package selftest

import (
	"context"
	"errors"

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
	var devices []dut.Device
	for _, name := range followers {
		d, err := dut.Parse(name)
		if err != nil {
			return err
		}
		devices = append(devices, d)
	}
	g, err := t.lab.Group(ctx, devices, s, sizes[len(sizes)-1])
	if errors.Is(err, errors.ErrUnsupported) {
		t.note("speed of the machine: not measured: %v", err)
		return nil
	}
	if err != nil {
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
