package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/tunnelbench/tunnelbench/internal/kv"
	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// labFlags are the options of every verb that opens the lab.
type labFlags struct {
	tester, device, link, offloads string
	wait, keep                     bool
	flows, networks, ip            int
	engine, direction, wan         string
	certificate                    string
	seed                           uint64
	late, patience                 time.Duration
}

func addLabFlags(set *pflag.FlagSet) *labFlags {
	f := &labFlags{}
	set.StringVar(&f.tester, "tester-cpus", "", "`cores` of the tester, such as 0 (default: the first allowed core)")
	set.StringVar(&f.device, "dut-cpus", "", "`cores` of the device, such as 1-3 (default: the others)")
	set.StringVar(&f.link, "link", "", "nominal `speed` of the link, such as 1Gbps: what percentages refer to; loads stay below it when given")
	set.StringVar(&f.offloads, "wan-offloads", "on", "offloads of that link: `on`, as a real NIC has them, or off")
	set.BoolVar(&f.wait, "wait", false, "wait while another lab runs on this machine")
	set.BoolVar(&f.keep, "keep", false, "name the namespaces tb-left, tb-right and tb-tester and leave them, to look inside")
	set.IntVar(&f.flows, "flows", 1, "`number` of flows, with pseudorandom UDP ports when more than one")
	set.IntVar(&f.networks, "networks", 1, "`number` of networks that the flows are spread over")
	set.IntVar(&f.ip, "ip", 4, "inner packets of IP `version` 4 or 6")
	set.StringVar(&f.engine, "engine", lab.EngineAuto, "`engine` of the tester: xdp (in the kernel), afpacket (sockets), or auto: xdp where the kernel lets us")
	set.StringVar(&f.direction, "direction", rfc2544.Forward, "`way` of the frames: forward (left to right), reverse, or both at once")
	set.StringVar(&f.wan, "wan", "", "`effects` of the link between the ends on packets, such as delay=20ms,loss=1% or rate=100Mbps,queue=1000, or shaped:rate=1Gbps by the kernel's token bucket")
	set.StringVar(&f.certificate, "self-test", "", "`file` with the machine's self-test, which the report carries (default "+defaultCertificate+" if it is there)")
	set.Uint64Var(&f.seed, "seed", 1, "`number` that every random choice follows from")
	set.DurationVar(&f.late, "loss-timeout", lab.DefaultLossTimeout, "a frame that takes longer than this `time` counts as lost")
	set.DurationVar(&f.patience, "throttle-budget", defaultPatience, "`time` to wait, in all, for neighbours on the machine to let its cores run at full speed")
	return f
}

const defaultPatience = 20 * time.Second

// labConfig is what the flags say of the lab: of the machine, and of what is set up on it.
type labConfig struct {
	lab.Config
	lab.Settings
}

// config checks the options.
func (f *labFlags) config() (labConfig, error) {
	cfg := labConfig{lab.Config{Wait: f.wait, Keep: f.keep, Patience: f.patience}, lab.Settings{
		Flows: f.flows, Networks: f.networks, IPv6: f.ip == 6, Engine: f.engine, Direction: f.direction,
		WAN: f.wan, Seed: f.seed, LossTimeout: f.late, PlainWAN: f.offloads == "off",
	}}
	var err error
	if f.offloads != "on" && f.offloads != "off" {
		return cfg, badUsage("--wan-offloads %q: on or off", f.offloads)
	}
	if f.flows < 1 || f.flows > loadgen.MaxFlows {
		return cfg, badUsage("--flows %d: from 1 to %d", f.flows, loadgen.MaxFlows)
	}
	if f.networks < 1 || f.networks > loadgen.MaxNetworks || f.networks > f.flows {
		return cfg, badUsage("--networks %d: from 1 to %d, and no more than --flows", f.networks, loadgen.MaxNetworks)
	}
	if f.ip != 4 && f.ip != 6 {
		return cfg, badUsage("--ip %d: 4 or 6", f.ip)
	}
	if !slices.Contains([]string{lab.EngineAuto, lab.EngineXDP, lab.EngineAFPacket}, f.engine) {
		return cfg, badUsage("--engine %q: auto, xdp or afpacket", f.engine)
	}
	if !slices.Contains([]string{rfc2544.Forward, rfc2544.Reverse, rfc2544.Both}, f.direction) {
		return cfg, badUsage("--direction %q: forward, reverse or both", f.direction)
	}
	if f.late <= 0 || f.late > 10*time.Second {
		return cfg, badUsage("--loss-timeout %v: above 0, up to 10s", f.late)
	}
	if f.wan != "" {
		if _, err := dut.ParseWAN(f.wan); err != nil {
			return cfg, badUsage("--%w", err)
		}
	}
	if f.patience < 0 {
		return cfg, badUsage("--throttle-budget %v: 0 or more", f.patience)
	}
	if cfg.CPUs.Tester, err = cpuList("--tester-cpus", f.tester); err != nil {
		return cfg, err
	}
	cfg.CPUs.DUT, err = cpuList("--dut-cpus", f.device)
	return cfg, err
}

func cpuList(name, s string) ([]int, error) {
	if s == "" {
		return nil, nil
	}
	cpus, err := netns.ParseCPUList(s)
	if err != nil {
		return nil, badUsage("%s: %w", name, err)
	}
	return cpus, nil
}

// nominal is the link's speed, and whether the user asked for it.
func (f *labFlags) nominal() (rfc2544.BitRate, bool, error) {
	if f.link == "" {
		return rfc2544.Gigabit, false, nil
	}
	r, ok := kv.ParseRate(f.link)
	if !ok || r.Unit != kv.Bits || r.Value <= 0 || r.Value > 1e15 {
		return 0, false, badUsage("--link %q: write 1Gbps or 100Mbps", f.link)
	}
	return rfc2544.BitRate(r.Value), true, nil
}

// checkWAN finds a device whose network has no link for --wan to impair.
func (f *labFlags) checkWAN(devices ...dut.Device) error {
	if f.wan == "" {
		return nil
	}
	for _, d := range devices {
		if _, ok := netns.Between(d.Topology(netns.Plan{})); !ok {
			return badUsage("--wan %s: %s has no wan link: choose another device, or leave --wan out", f.wan, d.Name)
		}
	}
	return nil
}

// parseDevices reads a list of devices; each may be there once.
func parseDevices(list string) ([]dut.Device, error) {
	var devices []dut.Device
	for _, spec := range splitDevices(list) {
		d, err := dut.Parse(spec)
		if err != nil {
			return nil, usageError{err}
		}
		if slices.ContainsFunc(devices, func(o dut.Device) bool { return o.Spec == d.Spec }) {
			return nil, badUsage("--dut: %s comes twice: results are told apart by name", d.Spec)
		}
		devices = append(devices, d)
	}
	return devices, nil
}

// splitDevices cuts at commas, but not those between a device's parameters.
func splitDevices(list string) []string {
	var specs []string
	for part := range strings.SplitSeq(list, ",") {
		isParam := strings.Contains(part, "=") && !strings.Contains(part, ":")
		if n := len(specs); isParam && n > 0 && strings.Contains(specs[n-1], ":") {
			specs[n-1] += "," + part
			continue
		}
		specs = append(specs, part)
	}
	return specs
}

// checkSize finds a frame size that cannot be sent.
func checkSize(n int) (rfc2544.FrameSize, error) {
	size, err := rfc2544.CheckFrameSize(n)
	if err != nil {
		return 0, usageError{err}
	}
	return size, nil
}

// checkFrames finds frames that cannot be with the IP version or the engine asked for.
func (f *labFlags) checkFrames(sizes ...rfc2544.FrameSize) error {
	if least := slices.Min(sizes); f.ip == 6 && least < rfc2544.MinFrame6 {
		return badUsage("frame size %d: from %d bytes with --ip 6, whose header is longer", least, rfc2544.MinFrame6)
	}
	if largest := slices.Max(sizes); f.engine == lab.EngineXDP && largest > loadgen.MaxXDPFrame {
		return badUsage("--engine xdp sends frames up to %d bytes, not %d: afpacket sends up to %d", loadgen.MaxXDPFrame, largest, rfc2544.MaxFrame)
	}
	return nil
}

func parseSizes(list string) ([]rfc2544.FrameSize, error) {
	sizes, err := rfc2544.ParseFrameSizes(list)
	if err != nil {
		return nil, usageError{err}
	}
	return sizes, nil
}

// checkRate finds a load that the engine cannot pace.
func checkRate(r rfc2544.Rate) error {
	if !r.IsFlood() && (r < 1 || r > loadgen.MaxRate) {
		return badUsage("load %v: the engine paces from 1fps to %v; to send as much as it can, write max", fmt.Sprintf("%.4g fps", float64(r)), loadgen.MaxRate)
	}
	return nil
}
