package suite

import (
	"maps"
	"slices"

	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Without returns the devices that can run here but have no valid rate, or no valid streams if they carry streams.
// measured reports whether any device could be measured.
func Without(r *result.Results) (without []string, measured bool) {
	fine := map[string]bool{}
	for _, res := range r.Results {
		switch {
		case res.Test == rfc2544.NameStreams && res.Carries == dut.Streams:
			fine[res.DUT] = res.Unsupported != "" || res.Valid // it has no rates
			measured = measured || res.Unsupported == ""
			continue
		case res.Test == rfc2544.NameStreams:
			continue // measured beside the rates; a calibration device may have none
		}
		fine[res.DUT] = fine[res.DUT] || res.Unsupported != "" || res.Valid && res.Test == rfc2544.NameRate
		measured = measured || res.Unsupported == ""
	}
	for _, name := range slices.Sorted(maps.Keys(fine)) {
		if !fine[name] {
			without = append(without, name)
		}
	}
	return without, measured
}
