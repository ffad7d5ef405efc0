package result

import (
	"fmt"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Schema names the version of the results file that this package writes.
const Schema = "tunnelbench.results/2"

// Schema1 is the version before, which Read takes, too.
const Schema1 = "tunnelbench.results/1"

// The kinds of device. Plain tunnels are compared with plain ones, sealed with
// sealed; calibration runs (wire, plain) measure the lab itself.
const (
	KindCalibration = "calibration"
	KindPlain       = "plain"
	KindSealed      = "sealed"
)

// What limited a number, where that is known.
const (
	LimitedByDUT     = "dut"
	LimitedByTester  = "tester"
	LimitedByLink    = "link"
	LimitedByMachine = "machine"
)

// The two devices that calibrate a run: the tester's ports joined directly, and
// routing without a tunnel.
const (
	WireDUT  = "wire"
	PlainDUT = "plain"
)

// Results is one run: what was measured, where, by what, and how to repeat it.
type Results struct {
	Schema  string    `json:"schema"`
	Tool    Tool      `json:"tool"`
	Command []string  `json:"command"`
	Profile string    `json:"profile"`
	Seed    uint64    `json:"seed"`
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended"`
	Conditions
	Host        Host            `json:"host"`
	Link        rfc2544.BitRate `json:"link_bps"` // nominal speed, from which R follows
	Calibration []Calibration   `json:"calibration"`
	Results     []Result        `json:"results"`
	Certificate *Certificate    `json:"certificate,omitempty"` // the machine's error budget, where it was measured
	Comparison  *Comparison     `json:"comparison,omitempty"`  // of `ab`
}

// Conditions are what all trials of a run have in common, as far as tests do not say
// otherwise. All are zero in files of schema /1, which do not have them.
type Conditions struct {
	LossTimeout time.Duration `json:"loss_timeout_ns"` // a frame that takes longer counts as lost (RFC 2544 section 23d)
	Rest        time.Duration `json:"rest_ns"`         // before each trial (RFC 2544 section 23e)
	IPVersion   int           `json:"ip_version"`      // 4 or 6
	Flows       int           `json:"flows"`
	Networks    int           `json:"networks"` // that the flows' addresses are spread over (RFC 2544 section 12)
}

// Recorded reports whether the file says under what conditions it was measured.
func (c Conditions) Recorded() bool { return c.IPVersion != 0 }

// Tool is the build that measured.
type Tool struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Go      string `json:"go"`
}

// Host is the machine and what was set on it.
type Host struct {
	CPU      string            `json:"cpu"`
	Kernel   string            `json:"kernel"`
	Arch     string            `json:"arch"`
	Cores    int               `json:"cores"`
	CPUPlan  string            `json:"cpu_plan"`
	Offloads map[string]string `json:"offloads"`
	Sysctls  map[string]string `json:"sysctls"`
	Changed  []string          `json:"changed"` // global settings changed for the run and restored
	Virtual  string            `json:"virtual"` // the hypervisor; empty on bare metal
	Notes    []string          `json:"notes"`
}

// Summary is the machine in one line: CPU, cores and kernel.
func (h Host) Summary() string {
	return fmt.Sprintf("%s, %d cores, Linux %s", strictjson.Short(h.CPU, 100), h.Cores, strictjson.Short(h.Kernel, 60))
}

// Calibration is what the bare wire gave at one frame size: the most the tester
// can offer (MOL) and the least latency it can see. Nil was not measured.
type Calibration struct {
	FrameSize rfc2544.FrameSize `json:"frame_size"`
	MOL       *rfc2544.Rate     `json:"mol_fps"`
	WireP50   *time.Duration    `json:"wire_latency_p50_ns"`
}

// Result is one test of one device at one frame size.
type Result struct {
	DUT         string                `json:"dut"`
	Kind        string                `json:"kind"`
	Test        string                `json:"test"`
	FrameSize   rfc2544.FrameSize     `json:"frame_size"`
	Direction   string                `json:"direction"`
	Valid       bool                  `json:"valid"`
	LimitedBy   string                `json:"limited_by"` // one of the LimitedBy words; empty when unknown
	Shortfalls  []rfc2544.Shortfall   `json:"shortfalls"` // from what the RFCs ask for
	Warnings    []string              `json:"warnings"`
	Unsupported string                `json:"unsupported"` // why the device cannot run here
	Error       string                `json:"error"`       // why a device that ran stopped; costs its own results only
	Values      []rfc2544.Value       `json:"values"`
	Trials      []rfc2544.Observation `json:"trials"`
}

// Value finds a value by the first of names that is there.
func (r *Result) Value(names ...string) *rfc2544.Value {
	for _, name := range names {
		for i := range r.Values {
			if r.Values[i].Name == name {
				return &r.Values[i]
			}
		}
	}
	return nil
}
