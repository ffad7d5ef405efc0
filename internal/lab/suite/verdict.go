package suite

import (
	"maps"
	"slices"

	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Without returns the devices that can run here but have no valid rate. measured reports whether
// any device could be measured.
func Without(r *result.Results) (without []string, measured bool) {
	fine := map[string]bool{}
	for _, res := range r.Results {
		if res.Test == rfc2544.NameStreams {
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
