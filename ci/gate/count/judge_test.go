package count

import (
	"strings"
	"testing"

	"github.com/tunnelbench/tunnelbench/ci/gate"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

// side returns a side with these instructions per frame of 64 bytes and per call, by layout.
func side(frames, calls []float64) *Side {
	s := &Side{Name: gate.BaseSide, Device: "reference", Revision: "r", Commit: "0123456789abcdef"}
	for i := range frames {
		s.Layouts = append(s.Layouts, &result.Counts{
			Emulator: "QEMU 7.2", Kernel: "6.1", Costs: []result.Cost{{Device: "reference", FrameSize: 64, Instructions: frames[i]}},
			Calls: []result.CallCost{{Name: "wire.ParseDatagram/46", Instructions: calls[i]}},
		})
	}
	return s
}

var limits = Limits{Frames: 0.01, Calls: 0.02}

func TestJudge(t *testing.T) {
	calls := []float64{100, 100}
	for name, c := range map[string]struct {
		base, head, baseCalls, headCalls []float64
		want, why                        string
	}{
		"the same":                               {[]float64{20000, 20002}, []float64{20000, 20002}, calls, calls, gate.Pass, "every increase"},
		"cheaper":                                {[]float64{20000, 20002}, []float64{10000, 10001}, calls, calls, gate.Pass, "every increase"},
		"half a per cent more":                   {[]float64{20000, 20002}, []float64{20100, 20102}, calls, calls, gate.Pass, "every increase"},
		"a per cent more":                        {[]float64{20000, 20002}, []float64{20202, 20204}, calls, calls, gate.Fail, "instructions_per_frame/64: +1.01 %"},
		"at the limit within the margin":         {[]float64{20000, 20020}, []float64{20195, 20215}, calls, calls, gate.Fail, "+0.97 %"},
		"layouts differ by more than the change": {[]float64{20000, 20400}, []float64{20300, 20600}, calls, calls, gate.Inconclusive, "take more --layouts"},
		"a function":                             {[]float64{20000, 20002}, []float64{20000, 20002}, calls, []float64{103, 103}, gate.Fail, "wire.ParseDatagram/46: +3.00 %"},
		"the worse of two":                       {[]float64{20000, 20002}, []float64{22000, 22002}, calls, []float64{103, 103}, gate.Fail, "instructions_per_frame/64: +10.00 %"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := Judge(limits, side(c.base, c.baseCalls), side(c.head, c.headCalls))
			if err != nil {
				t.Fatal(err)
			}
			if r.Verdict != c.want || !strings.Contains(r.Why, c.why) {
				t.Errorf("%s: %s; want %s: %s", r.Verdict, r.Why, c.want, c.why)
			}
			for _, text := range []string{Text(r), Markdown(r)} {
				if !strings.Contains(text, strings.ToUpper(c.want)) || !strings.Contains(text, "caches") {
					t.Errorf("the text:\n%s", text)
				}
			}
		})
	}
}

// Sides of different emulators, kernels, lists or tunnels are never compared.
func TestJudgeRefuses(t *testing.T) {
	for name, spoil := range map[string]func(c *result.Counts){
		"QEMU 8":  func(c *result.Counts) { c.Emulator = "QEMU 8" },
		"6.12":    func(c *result.Counts) { c.Kernel = "6.12" },
		"sizes":   func(c *result.Counts) { c.Costs[0].FrameSize = 128 },
		"devices": func(c *result.Counts) { c.Costs = nil },
		"zero":    func(c *result.Counts) { c.Costs[0].Instructions = 0 },
	} {
		base, head := side([]float64{20000, 20000}, []float64{100, 100}), side([]float64{20000, 20000}, []float64{100, 100})
		spoil(head.Layouts[1])
		if _, err := Judge(limits, base, head); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	other := side([]float64{20000, 20000}, []float64{100, 100})
	other.Device = "naive"
	if _, err := Judge(limits, side([]float64{20000, 20000}, []float64{100, 100}), other); err == nil || !strings.Contains(err.Error(), "naive") {
		t.Errorf("two tunnels are compared: %v", err)
	}
	one := side([]float64{20000}, []float64{100})
	if _, err := Judge(limits, one, one); err == nil || !strings.Contains(err.Error(), "1 layouts") {
		t.Errorf("sides without a margin are compared: %v", err)
	}
}

// A function that only one side has is named and not judged.
func TestJudgeOneSided(t *testing.T) {
	more, less := side([]float64{20000, 20000}, []float64{100, 100}), side([]float64{20000, 20000}, []float64{100, 100})
	for _, c := range more.Layouts {
		c.Calls = append(c.Calls, result.CallCost{Name: "new", Instructions: 5})
	}
	for _, sides := range [][2]*Side{{more, less}, {less, more}} {
		r, err := Judge(limits, sides[0], sides[1])
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Changes) != 2 || len(r.OneSided) != 1 || !strings.Contains(Text(r), "not judged: new") {
			t.Errorf("%+v\n%s", r, Text(r))
		}
	}
}
