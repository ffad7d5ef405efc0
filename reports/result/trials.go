package result

import (
	"encoding/json"
	"slices"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// normalTrial returns o with empty lists and maps instead of nil and texts within their limits.
func normalTrial(o rfc2544.Observation) rfc2544.Observation {
	o.Stalls = firsts(o.Stalls, mostStalls)
	o.Warnings = Texts(o.Warnings)
	o.Invalid = slices.Clone(o.Invalid[:min(mostTexts, len(o.Invalid))])
	for i := range o.Invalid {
		o.Invalid[i].Text = Cut(o.Invalid[i].Text)
	}
	o.Drops = firsts(o.Drops, mostTexts)
	return o
}

// MarshalTrial returns one trial with its device and frame size as JSON, as `tunnelbench trial
// --json` prints it.
func MarshalTrial(dut string, size rfc2544.FrameSize, o rfc2544.Observation) ([]byte, error) {
	return json.Marshal(struct {
		DUT       string            `json:"dut"`
		FrameSize rfc2544.FrameSize `json:"frame_size"`
		rfc2544.Observation
	}{dut, size, normalTrial(o)})
}

// NotNil returns an empty list for nil, so that JSON has [] and not null.
func NotNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
