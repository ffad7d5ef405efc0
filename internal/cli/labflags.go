package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/tunnelbench/tunnelbench/internal/kv"
	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/congestion"
	"github.com/tunnelbench/tunnelbench/internal/neighbour"
	"github.com/tunnelbench/tunnelbench/loadgen"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// DefaultCertificate is the default path of the machine's self-test file.
const DefaultCertificate = "/var/lib/tunnelbench/certificate.json"

// LabFlags are the options shared by all verbs that open the lab.
type LabFlags struct {
	set                            *pflag.FlagSet
	tester, device, link, offloads string
	wait, keep                     bool
	disturber                      string
	Flows, networks, Ip            int
	Engine, Direction, Wan         string
	congestion                     string
	Certificate                    string
	Seed                           uint64
	Late, throttle                 time.Duration
}

// AddLabFlags defines the lab options in set and returns their values.
func AddLabFlags(set *pflag.FlagSet) *LabFlags {
	f := &LabFlags{set: set}
	set.StringVar(&f.tester, "tester-cpus", "", "`cores` of the tester, such as 0 (default: the first allowed core)")
	set.StringVar(&f.device, "dut-cpus", "", "`cores` of the device, such as 1-3 (default: the others)")
	set.StringVar(&f.link, "link", "", "nominal `speed` of the link, such as 1Gbps: what percentages refer to; loads stay below it when given")
	set.StringVar(&f.offloads, "wan-offloads", "on", "`state` of that link's offloads: on, as a real NIC has them, or off")
	set.BoolVar(&f.wait, "wait", false, "wait while another lab runs on this machine")
	set.BoolVar(&f.keep, "keep", false, "name the namespaces tb-left, tb-right and tb-tester and leave them, to look inside")
	set.StringVar(&f.disturber, "beside", "", "`program` that disturbs the lab on purpose, to see what its results are worth then: neighbour, or neighbour:cpus=0-1,share=20%,burst=2ms-50ms,memory=on,stall=5ms,seed=7,for=1h")
	set.IntVar(&f.Flows, "flows", 1, "`number` of flows, with pseudorandom UDP ports when more than one")
	set.IntVar(&f.networks, "networks", 1, "`number` of networks that the flows are spread over")
	set.IntVar(&f.Ip, "ip", 4, "inner packets of IP `version` 4 or 6")
	set.StringVar(&f.Engine, "engine", lab.EngineAuto, "`engine` of the tester: xdp (in the kernel), afpacket (sockets), or auto: xdp where the kernel lets us")
	set.StringVar(&f.Direction, "direction", rfc2544.Forward, "`way` of the frames: forward (left to right), reverse, or both at once")
	set.StringVar(&f.Wan, "wan", "", "`effects` of the link between the ends on packets, such as delay=20ms,loss=1% or rate=100Mbps,queue=1000, or shaped:rate=1Gbps by the kernel's token bucket")
	set.StringVar(&f.congestion, "cc", "", "congestion control of TCP, of the hosts of streams and of a device's own connections: `algorithm` cubic, bbr, reno or another of the kernel (default: the machine's)")
	set.StringVar(&f.Certificate, "self-test", "", "`file` with the machine's self-test, which the report carries (default "+DefaultCertificate+" if it is there)")
	set.Uint64Var(&f.Seed, "seed", 1, "`number` that every random choice follows from")
	set.DurationVar(&f.Late, "loss-timeout", lab.DefaultLossTimeout, "a frame that takes longer than this `time` counts as lost")
	set.DurationVar(&f.throttle, "throttle-budget", 20*time.Second, "without effect: no trial waits for slow cores any more")
	return f
}

// LabConfig is the lab's configuration after parsing: the machine's part and the network set up on
// it.
type LabConfig struct {
	lab.Config
	lab.Settings
}

// Config checks the options and returns the lab's configuration.
func (f *LabFlags) Config() (LabConfig, error) {
	cfg := LabConfig{lab.Config{Wait: f.wait, Keep: f.keep}, lab.Settings{
		Flows: f.Flows, Networks: f.networks, IPv6: f.Ip == 6, Engine: f.Engine, Direction: f.Direction,
		WAN: f.Wan, Seed: f.Seed, LossTimeout: f.Late, PlainWAN: f.offloads == "off",
	}}
	var err error
	if f.offloads != "on" && f.offloads != "off" {
		return cfg, BadUsage("--wan-offloads %q: on or off", f.offloads)
	}
	if f.Flows < 1 || f.Flows > loadgen.MaxFlows {
		return cfg, BadUsage("--flows %d: from 1 to %d", f.Flows, loadgen.MaxFlows)
	}
	if f.networks < 1 || f.networks > loadgen.MaxNetworks || f.networks > f.Flows {
		return cfg, BadUsage("--networks %d: from 1 to %d, and no more than --flows", f.networks, loadgen.MaxNetworks)
	}
	if f.Ip != 4 && f.Ip != 6 {
		return cfg, BadUsage("--ip %d: 4 or 6", f.Ip)
	}
	if !slices.Contains([]string{lab.EngineAuto, lab.EngineXDP, lab.EngineAFPacket}, f.Engine) {
		return cfg, BadUsage("--engine %q: auto, xdp or afpacket", f.Engine)
	}
	if !slices.Contains([]string{rfc2544.Forward, rfc2544.Reverse, rfc2544.Both}, f.Direction) {
		return cfg, BadUsage("--direction %q: forward, reverse or both", f.Direction)
	}
	if f.Late <= 0 || f.Late > longestLossTimeout {
		return cfg, BadUsage("--loss-timeout %v: above 0, up to %v", f.Late, longestLossTimeout)
	}
	if _, err := dut.ParseWAN(f.Wan); err != nil {
		return cfg, BadUsage("--%w", err)
	}
	if err := f.chooseCongestion(&cfg); err != nil {
		return cfg, err
	}
	if f.throttle < 0 {
		return cfg, BadUsage("--throttle-budget %v: 0 or more", f.throttle)
	}
	if cfg.CPUs.Tester, err = cpuList("--tester-cpus", f.tester); err != nil {
		return cfg, err
	}
	if cfg.CPUs.DUT, err = cpuList("--dut-cpus", f.device); err != nil {
		return cfg, err
	}
	cfg.Beside, err = f.beside()
	return cfg, err
}

// chooseCongestion sets the congestion control, which is always stated: the machine's if the user does not choose.
func (f *LabFlags) chooseCongestion(cfg *LabConfig) error {
	name := f.congestion
	if !f.set.Changed("cc") {
		name = congestion.Default()
	} else if err := congestion.Check(name); err != nil {
		return BadUsage("--cc %w", err)
	}
	cfg.Config.CongestionControl, cfg.Settings.CongestionControl = name, name
	return nil
}

// beside returns the plan of what disturbs the lab; nil if nothing does.
func (f *LabFlags) beside() (*neighbour.Plan, error) {
	if f.disturber == "" {
		return nil, nil
	}
	allowed, err := netns.AllowedCPUs()
	if err != nil {
		return nil, MachineFault(err)
	}
	p, err := neighbour.Parse(f.disturber, allowed)
	if err != nil {
		return nil, BadUsage("--beside: %w", err)
	}
	return p, nil
}

func cpuList(name, s string) ([]int, error) {
	if s == "" {
		return nil, nil
	}
	cpus, err := netns.ParseCPUList(s)
	if err != nil {
		return nil, BadUsage("%s: %w", name, err)
	}
	return cpus, nil
}

// Nominal returns the nominal link speed and whether the user set it.
func (f *LabFlags) Nominal() (rfc2544.BitRate, bool, error) {
	if f.link == "" {
		return rfc2544.Gigabit, false, nil
	}
	r, ok := kv.ParseRate(f.link)
	if !ok || r.Unit != kv.Bits || r.Value <= 0 || r.Value > 1e15 {
		return 0, false, BadUsage("--link %q: write 1Gbps or 100Mbps", f.link)
	}
	return rfc2544.BitRate(r.Value), true, nil
}

// ParseDevices parses a comma-separated list of devices and rejects duplicates.
func ParseDevices(list string) ([]dut.Device, error) {
	var devices []dut.Device
	for _, spec := range SplitDevices(list) {
		d, err := dut.Parse(spec)
		if err != nil {
			return nil, BadInput(err)
		}
		if slices.ContainsFunc(devices, func(o dut.Device) bool { return o.Spec == d.Spec }) {
			return nil, BadUsage("--dut: %s comes twice: results are told apart by name", d.Spec)
		}
		devices = append(devices, d)
	}
	return devices, nil
}

// SplitDevices splits a list of devices at its commas. Commas between the parameters of one device
// do not split.
func SplitDevices(list string) []string {
	var specs []string
	for part := range strings.SplitSeq(list, ",") {
		key, _, isParam := strings.Cut(part, "=")
		isParam = isParam && !strings.Contains(key, ":")
		if n := len(specs); isParam && n > 0 && strings.Contains(specs[n-1], ":") {
			specs[n-1] += "," + part
			continue
		}
		specs = append(specs, part)
	}
	return specs
}

// CheckSize returns n as a frame size, or an error if such frames cannot be sent.
func CheckSize(n int) (rfc2544.FrameSize, error) {
	size, err := rfc2544.CheckFrameSize(n)
	if err != nil {
		return 0, BadInput(err)
	}
	return size, nil
}

// CheckFrames returns an error if a frame size does not fit the chosen IP version or engine.
func (f *LabFlags) CheckFrames(sizes ...rfc2544.FrameSize) error {
	if least := slices.Min(sizes); f.Ip == 6 && least < rfc2544.MinFrame6 {
		return BadUsage("frame size %d: from %d bytes with --ip 6, whose header is longer", least, rfc2544.MinFrame6)
	}
	if largest := slices.Max(sizes); f.Engine == lab.EngineXDP && largest > loadgen.MaxXDPFrame {
		return BadUsage("--engine xdp sends frames up to %d bytes, not %d: afpacket sends up to %d", loadgen.MaxXDPFrame, largest, rfc2544.MaxFrame)
	}
	return nil
}

// ParseSizes parses a comma-separated list of frame sizes.
func ParseSizes(list string) ([]rfc2544.FrameSize, error) {
	sizes, err := rfc2544.ParseFrameSizes(list)
	if err != nil {
		return nil, BadInput(err)
	}
	return sizes, nil
}

// CheckRate returns an error if the engine cannot pace this load.
func CheckRate(r rfc2544.Rate) error {
	if !r.IsFlood() && (r < 1 || r > loadgen.MaxRate) {
		return BadUsage("load %v: the engine paces from 1fps to %v; to send as much as it can, write max", fmt.Sprintf("%.4g fps", float64(r)), loadgen.MaxRate)
	}
	return nil
}

// HoldCertificate reads the machine's self-test file. A missing file is an error only if the user
// named it.
func (f *LabFlags) HoldCertificate(ctx context.Context) (result.Held, error) {
	held, err := result.HoldCertificate(ctx, cmp.Or(f.Certificate, DefaultCertificate), f.Certificate != "")
	if err != nil {
		return held, BadUsage("--self-test: %w", err)
	}
	return held, nil
}
