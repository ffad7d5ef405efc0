package reports

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tunnelbench/tunnelbench/reports/show"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

var environmentClauses = []clause{
	{"E1", "RFC 6815, 3 and 5", levelMust, "Never on production networks; the environment is isolated",
		always(met("namespaces that the program made: no default route, nothing bridged to a real interface", "environment"))},
	{"E2", "RFC 6815, 4.1", levelDescribed, "Tester and device are the only talkers", func(e *evidence) ruling {
		n, trials := e.sum(func(o *rfc2544.Observation) uint64 { return o.Foreign })
		return met(fmt.Sprintf("IPv6 autoconfiguration, neighbour discovery and the rest are silent: %d foreign frames in %d trials", n, trials), "details")
	}},
	{"E3", "RFC 2544, 6; RFC 9004, 5", levelMust, "One tester that sends and receives, or two that are controlled as one",
		always(met("one tester with both ports, figure 1", "method"))},
	{"E4", "RFC 2544, 7", levelMust, "The device by its own instructions, the same configuration for all tests, and it is told", func(e *evidence) ruling {
		return met("one configuration for the whole run: the command that repeats it names it", "environment")
	}},
	{"E5", "RFC 2544, 7", levelShould, "Keepalives and updates at their normal intervals",
		always(met("a tunnel's timers are what it comes with; nothing is switched off", "environment"))},
	{"E6", "RFC 8172, 3", levelDescribed, "CPU, memory, pinning and kernel are documented; tester and device share nothing", func(e *evidence) ruling {
		return met("cores: "+strictjson.Clean(e.r.Host.CPUPlan)+"; one kernel, one memory", "environment")
	}},
	{"E7", "RFC 2544, 8", levelMust, "The formats of the frames are told", func(e *evidence) ruling {
		ip := "IPv4"
		if e.ipv6() {
			ip = "IPv6"
		}
		return met("Ethernet II, "+ip+", UDP, signature of 18 octets, incrementing octets", "method")
	}},
	{"E8", "RFC 2544, 9.1", levelShould, "Seven frame sizes from 64 to 1518", func(e *evidence) ruling { return e.sizes(rfcSizes) }},
	{"E9", "RFC 5180, 5.1.1", levelShould, "IPv6: the same sizes, and jumbo frames", func(e *evidence) ruling {
		if !e.ipv6() {
			return notApplicable("the frames are IPv4")
		}
		return e.sizes([]rfc2544.FrameSize{128, 256, 512, 1024, 1280, 1518, 4096, 8192, 9216})
	}},
	{"E10", "RFC 8219, 5.1.1", levelShould, "Encapsulation: thirteen frame sizes to 9216", func(e *evidence) ruling {
		return e.sizes([]rfc2544.FrameSize{64, 128, 256, 512, 768, 1024, 1280, 1518, 1522, 2048, 4096, 8192, 9216})
	}},
	{"E11", "RFC 8219, 5.1.1", levelDescribed, "The smallest frame that IPv6 leaves room for is told", func(e *evidence) ruling {
		if !e.ipv6() {
			return notApplicable("the frames are IPv4, from 64 bytes")
		}
		return met("84 bytes", "method")
	}},
	{"E12", "RFC 2544, 9.4", levelShould, "Sizes that one link cannot carry are reported as zero, not left out",
		always(met("both links carry every size: the wan's MTU has room for the encapsulation", "environment"))},
	{"E13", "RFC 8219, 5.1", levelMust, "The overhead of encapsulation is part of the maximum rate", func(e *evidence) ruling {
		return deviates("R is of the frames as the tester sends them, on a nominal link of " + show.BitText(e.r.Link) + "; the overhead is not part of it")
	}},
	{"E14", "RFC 8219, 5.1", levelShould, "The larger MTU on all interfaces",
		always(met("lan by the largest frame, wan 500 octets more, at least 2000", "environment"))},
	{"E15", "RFC 2544, C.2.2", levelDescribed, "Addresses from 198.18.0.0/15", func(e *evidence) ruling {
		if e.ipv6() {
			return notApplicable("the frames are IPv6")
		}
		return met("198.18.0.2 to 198.19.0.2, the device at .1", "method")
	}},
	{"E16", "RFC 5180, 5.2 and 8", levelMust, "IPv6 addresses from 2001:2::/48, prefixes of /64", func(e *evidence) ruling {
		if !e.ipv6() {
			return notApplicable("the frames are IPv4")
		}
		return met("2001:2::2 to 2001:2:0:100::2, the device at ::1, /64", "method")
	}},
	{"E17", "RFC 2544, C.2.6.4", levelShould, "UDP to the echo port from port C020, TTL 10, incrementing octets", func(e *evidence) ruling {
		if flows := e.flows(); flows > 1 {
			return deviates(fmt.Sprintf("%d flows have pseudorandom ports, see E20; the rest is as asked", flows))
		}
		return met("as asked, behind the tester's signature; UDP's checksum is computed", "method")
	}},
	{"E18", "RFC 2889, 4", levelMust, "A signature tells the tester's frames from others",
		always(met("magic, trial, stream, check, sequence number, time of sending", "method"))},
	{"E19", "RFC 2544, 12", levelShould, "One pair of addresses first, then destinations in 256 networks", func(e *evidence) ruling {
		return e.test(rfc2544.NameNetworks, "throughput_256_networks", "both were measured")
	}},
	{"E20", "RFC 4814, 4", levelShould, "Many flows: pseudorandom ports, uniform, the same in all trials", func(e *evidence) ruling {
		if e.flows() < 2 && len(e.results(rfc2544.NameNetworks)) == 0 {
			return notApplicable("one flow")
		}
		return met(fmt.Sprintf("source ports 1024 to 65535, destination ports 1 to 49151, seed %d", e.r.Seed), "environment")
	}},
	{"E21", "RFC 2544, 14; RFC 8219, 5.3", levelShould, "Both directions at equal rates", func(e *evidence) ruling {
		for i := range e.r.Results {
			if d := e.r.Results[i].Direction; d != rfc2544.Both && e.r.Results[i].Test != rfc2544.NameStreams {
				return deviates("traffic flows " + strictjson.Clean(d) + " only")
			}
		}
		return met("rates are per direction: the device carries twice as many frames; one verdict from both directions' counts", "matrix")
	}},
	{"E22", "RFC 2544, 16", levelShould, "A single path first; with more ports every input to every output",
		always(met("two ports: each way is the whole mesh", "method"))},
	{"E23", "RFC 8219, 5.3", levelDescribed, "Mixes of tunnelled and native traffic", always(notApplicable("all traffic goes through the tunnel: there is no other way"))},
	{"E24", "RFC 9004, 3", levelMust, "No mix of sizes for back-to-back", always(met("a trial's frames are of one size", "method"))},
	{"E25", "RFC 5180, 5.3", levelMust, "IPv6: also with extension headers, or the report says so", func(e *evidence) ruling {
		if !e.ipv6() {
			return notApplicable("the frames are IPv4")
		}
		return deviates("no extension headers were sent")
	}},
}

// sizes judges by the frame sizes that were measured.
func (e *evidence) sizes(asked []rfc2544.FrameSize) ruling {
	have := map[rfc2544.FrameSize]bool{}
	for i := range e.r.Results {
		have[e.r.Results[i].FrameSize] = true
	}
	var missing []string
	for _, s := range asked {
		if !have[s] {
			missing = append(missing, strconv.Itoa(int(s)))
		}
	}
	if len(missing) > 0 {
		return deviates("not measured: " + strings.Join(missing, ", ") + " bytes")
	}
	return met("all measured", "matrix")
}

func (e *evidence) flows() int {
	n, err := strconv.Atoi(e.option("flows"))
	if err != nil {
		return 1
	}
	return n
}

var modifierClauses = []clause{
	{"M1", "RFC 2544, 11.1", levelShould, "With 1 % of broadcast frames", always(deviates("not sent: a tunnel between routers sees none"))},
	{"M2", "RFC 2544, 11.2", levelShould, "With management queries", always(notApplicable("the devices have no management agent"))},
	{"M3", "RFC 2544, 11.3", levelShould, "With routing updates", always(notApplicable("the devices route by static routes"))},
	{"M4", "RFC 2544, 11.4", levelShould, "With filters", always(deviates("not measured: no filter is set"))},
	{"M5", "RFC 2544, 21", levelShould, "Bursts of 16, 64, 256 and 1024 frames: the least gap without loss", func(e *evidence) ruling {
		return e.test(rfc2544.NameBursts, "burst_gap_", "measured")
	}},
	{"M6", "RFC 2544, 20", levelShould, "The maximum rate of the link for each size", func(e *evidence) ruling {
		var all []string
		for _, c := range e.r.Calibration {
			all = append(all, fmt.Sprintf("%d bytes %s fps", int(c.FrameSize), show.Fixed(float64(e.r.Link.MaxFrameRate(c.FrameSize)), 0, show.Thin)))
		}
		if len(all) == 0 {
			return met("R follows from the nominal link of "+show.BitText(e.r.Link), "environment")
		}
		return met(strings.Join(slices.Compact(all), ", "), "environment")
	}},
}
