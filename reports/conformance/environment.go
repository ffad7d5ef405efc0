package conformance

import (
	"fmt"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

var environment = []rule{
	{Clause{"E2", "RFC 6815, 4.1", Described, "Tester and device are the only talkers"}, run.onlyTalkers},
	{Clause{"E8", "RFC 2544, 9.1", Should, "Seven frame sizes from 64 to 1518"}, func(r run) Ruling { return r.sizes(StandardSizes()) }},
	{Clause{"E9", "RFC 5180, 5.1.1", Should, "IPv6: the same sizes, and jumbo frames"}, func(r run) Ruling {
		switch {
		case !r.Recorded():
			return unrecorded()
		case r.IPVersion != 6:
			return notApplicable("the frames are IPv4")
		}
		return r.sizes([]rfc2544.FrameSize{128, 256, 512, 1024, 1280, 1518, 4096, 8192, 9216})
	}},
	{Clause{"E10", "RFC 8219, 5.1.1", Should, "Encapsulation: thirteen frame sizes to 9216"}, func(r run) Ruling {
		return r.sizes([]rfc2544.FrameSize{64, 128, 256, 512, 768, 1024, 1280, 1518, 1522, 2048, 4096, 8192, 9216})
	}},
	{Clause{"E13", "RFC 8219, 5.1", Must, "The overhead of encapsulation is part of the maximum rate"},
		never("R is of the frames as the tester sends them, on the nominal link; the overhead is not part of it")},
	{Clause{"E17", "RFC 2544, C.2.6.4", Should, "UDP to the echo port from port C020, TTL 10, incrementing payload"}, func(r run) Ruling {
		switch {
		case !r.Recorded():
			return unrecorded()
		case r.Flows > 1:
			return deviates(fmt.Sprintf("%d flows have pseudorandom ports (RFC 4814, 4); the rest is as asked", r.Flows))
		}
		return met("one flow: as asked, behind the tester's signature; UDP's checksum is computed", "method")
	}},
	{Clause{"E19", "RFC 2544, 12", Should, "One pair of addresses first, then destinations in 256 networks"}, measured(rfc2544.NameNetworks, "throughput_256_networks", "both were measured")},
	{Clause{"E21", "RFC 2544, 14; RFC 8219, 5.3", Should, "Both directions at equal rates"}, run.bothDirections},
	{Clause{"E25", "RFC 5180, 5.3", Must, "IPv6: also with extension headers, or the report says so"}, func(r run) Ruling {
		switch {
		case !r.Recorded():
			return unrecorded()
		case r.IPVersion != 6:
			return notApplicable("the frames are IPv4")
		}
		return deviates("no extension headers were sent")
	}},
}

func (r run) onlyTalkers() Ruling {
	foreign, trials := r.countTrials(func(o *rfc2544.Observation) uint64 { return o.Foreign })
	text := fmt.Sprintf("%d frames of others in %d trials", foreign, trials)
	switch {
	case trials == 0:
		return notApplicable("no trials")
	case foreign > 0:
		return deviates(text, "details")
	}
	return met(text, "details")
}

func (r run) bothDirections() Ruling {
	frames := 0
	for _, res := range r.Results.Results {
		if res.Test == rfc2544.NameStreams {
			continue // measures TCP, not frames at a rate
		}
		if res.Direction != rfc2544.Both {
			return deviates("traffic flows " + strictjson.Clean(res.Direction) + " only")
		}
		frames++
	}
	if frames == 0 {
		return notApplicable("no frames were sent")
	}
	return met("rates are per direction: the device carries twice as many frames; one verdict from both directions' counts", "matrix")
}

var modifiers = []rule{
	{Clause{"M1", "RFC 2544, 11.1", Should, "With 1 % of broadcast frames"}, never("not sent: a tunnel between routers sees none")},
	{Clause{"M4", "RFC 2544, 11.4", Should, "With filters"}, never("not measured: no filter is set")},
	{Clause{"M5", "RFC 2544, 21", Should, "Bursts of 16, 64, 256 and 1024 frames: the least gap without loss"}, measured(rfc2544.NameBursts, "burst_gap_", "measured")},
}
