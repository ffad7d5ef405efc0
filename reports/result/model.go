package result

import (
	"fmt"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Schema is the version of the results files that this package writes.
const Schema = "tunnelbench.results/2"

// Schema1 is the previous version, which Read still accepts.
const Schema1 = "tunnelbench.results/1"

// The kinds of device. Plain (unencrypted) tunnels are compared with plain ones, sealed (encrypted)
// with sealed ones. The calibration devices measure the lab itself.
const (
	KindCalibration = "calibration"
	KindPlain       = "plain"
	KindSealed      = "sealed"
)

// What limited a result, if known.
const (
	LimitedByDUT     = "dut"
	LimitedByTester  = "tester"
	LimitedByLink    = "link"
	LimitedByMachine = "machine"
)

// The two calibration devices: the tester's ports connected directly, and routing without a tunnel.
const (
	WireDUT  = "wire"
	PlainDUT = "plain"
)

// Results is one run: what was measured, where and with which build, and how to repeat it.
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
	Link        rfc2544.BitRate `json:"link_bps"` // nominal speed; the maximum frame rates follow from it
	Calibration []Calibration   `json:"calibration"`
	Results     []Result        `json:"results"`
	Certificate *Certificate    `json:"certificate,omitempty"` // the machine's self-test, if it has one
	Counts      *Counts         `json:"counts,omitempty"`      // exact cost from an emulated machine, if it was counted
	Comparison  *Comparison     `json:"comparison,omitempty"`  // the result of `ab`
}

// Conditions apply to all trials of a run, unless a test states otherwise. They are zero in files
// of schema /1, which lack them.
type Conditions struct {
	LossTimeout time.Duration `json:"loss_timeout_ns"` // a frame that takes longer counts as lost (RFC 2544 section 23d)
	Rest        time.Duration `json:"rest_ns"`         // pause before each trial (RFC 2544 section 23e)
	IPVersion   int           `json:"ip_version"`      // 4 or 6
	Flows       int           `json:"flows"`
	Networks    int           `json:"networks"` // number of networks of the flows' addresses (RFC 2544 section 12)
	// CongestionControl is of TCP in all namespaces: of the hosts of streams, and of a tunnel's own
	// connections. Empty in older files.
	CongestionControl string `json:"congestion_control,omitempty"`
}

// Recorded reports whether the file contains the conditions of the run.
func (c Conditions) Recorded() bool { return c.IPVersion != 0 }

// Tool is the build of tunnelbench that measured.
type Tool struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Go      string `json:"go"`
}

// Host is the machine and its settings.
type Host struct {
	CPU      string            `json:"cpu"`
	Kernel   string            `json:"kernel"`
	Arch     string            `json:"arch"`
	Cores    int               `json:"cores"`
	CPUPlan  string            `json:"cpu_plan"`
	Shared   bool              `json:"shared_cores,omitempty"` // tester and device share a core: see SharedCores
	Offloads map[string]string `json:"offloads"`
	Sysctls  map[string]string `json:"sysctls"`
	Changed  []string          `json:"changed"` // global settings that the run changed and then restored
	Virtual  string            `json:"virtual"` // the hypervisor; empty on bare metal
	Notes    []string          `json:"notes"`
}

// SharedCores is what it means for a measurement that tester and device share a core. It counts all the same.
const SharedCores = "tester and device share a core: on a core of its own the device would forward at least this rate; delays include the tester's share of the core"

// Summary describes the machine in one line: CPU, cores and kernel.
func (h Host) Summary() string {
	return fmt.Sprintf("%s, %d cores, Linux %s", strictjson.Short(h.CPU, 100), h.Cores, strictjson.Short(h.Kernel, 60))
}

// Calibration is the result of the bare wire at one frame size: the tester's maximum offered load
// (MOL) and the lowest latency it can measure. Nil fields were not measured.
type Calibration struct {
	FrameSize rfc2544.FrameSize `json:"frame_size"`
	MOL       *rfc2544.Rate     `json:"mol_fps"`
	WireP50   *time.Duration    `json:"wire_latency_p50_ns"`
	Trouble   *Trouble          `json:"trouble,omitempty"`
}

// Trouble is how much of a number of trials was spoilt by the tester and the machine.
type Trouble struct {
	Trials    int     `json:"trials"`
	Broken    int     `json:"broken"`          // of these: they are not valid
	Disturbed float64 `json:"disturbed_share"` // of the time of the others that was not clean, in [0,1]
}

// Add counts a trial with its share of clean time.
func (t *Trouble) Add(valid bool, clean float64) {
	t.Trials++
	if !valid {
		t.Broken++
		return
	}
	t.Disturbed += (1 - clean - t.Disturbed) / float64(t.Trials-t.Broken)
}

// Result is one test of one device at one frame size.
type Result struct {
	DUT         string                `json:"dut"`
	Kind        string                `json:"kind"`
	Carries     string                `json:"carries,omitempty"` // "packets" or "streams"; empty: packets
	Test        string                `json:"test"`
	FrameSize   rfc2544.FrameSize     `json:"frame_size"`
	Direction   string                `json:"direction"`
	Valid       bool                  `json:"valid"`
	LimitedBy   string                `json:"limited_by"` // one of the LimitedBy constants; empty if unknown
	Shortfalls  []rfc2544.Shortfall   `json:"shortfalls"` // deviations from the RFC's parameters
	Warnings    []string              `json:"warnings"`
	Unsupported string                `json:"unsupported"` // why the device cannot run here
	Error       string                `json:"error"`       // why a running device stopped; invalidates only its own results
	Values      []rfc2544.Value       `json:"values"`
	Trials      []rfc2544.Observation `json:"trials"`
}

// Value returns the first value that has one of the names, in the order of names, or nil.
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
