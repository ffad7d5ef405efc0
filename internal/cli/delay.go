package cli

import (
	"time"

	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// longestLossTimeout is the longest time that a trial waits for a frame.
const longestLossTimeout = 10 * time.Second

// ConfigFor is Config for devices and frames up to the largest size. It returns an error if --wan is
// set and a device has no WAN link that could be impaired.
func (f *LabFlags) ConfigFor(largest rfc2544.FrameSize, devices ...dut.Device) (LabConfig, error) {
	if err := f.fitLink(largest, devices...); err != nil {
		return LabConfig{}, err
	}
	return f.Config()
}

// fitLink checks --wan. It makes the loss timeout longer by the time that frames of the largest size
// take over the link or through a device of known effect.
func (f *LabFlags) fitLink(largest rfc2544.FrameSize, devices ...dut.Device) error {
	wan, err := dut.ParseWAN(f.Wan)
	if err != nil {
		return BadUsage("--%w", err)
	}
	for _, d := range devices {
		if _, ok := netns.Between(d.Topology(netns.Plan{})); f.Wan != "" && !ok {
			return BadUsage("--wan %s: %s has no wan link: choose another device, or leave --wan out", f.Wan, d.Name)
		}
	}
	const header = 100 // a tunnel's, at most
	frame := int(largest) + header
	least, most := wan.Transit(frame)
	where := "over --wan " + f.Wan
	for _, d := range devices {
		if l, m := d.Transit(frame); m > most {
			least, most, where = l, m, "through "+d.Spec
		}
	}
	return f.followTransit(least, most, where)
}

// followTransit adds the longest transit to the loss timeout. It refuses a timeout of the user that
// is not above the shortest one: all frames would be late.
func (f *LabFlags) followTransit(least, most time.Duration, where string) error {
	least, most = least.Truncate(time.Millisecond), most.Truncate(time.Millisecond)
	if f.set.Changed("loss-timeout") {
		if least > 0 && f.Late > 0 && f.Late <= least {
			return BadUsage("--loss-timeout %v: every frame takes at least %v %s and would be late: leave it out, or write more", f.Late, least, where)
		}
		return nil
	}
	if f.Late+most > longestLossTimeout {
		return BadUsage("%s: a frame takes up to %v: %v is the most", where, most, longestLossTimeout-f.Late)
	}
	f.Late += most
	return nil
}
