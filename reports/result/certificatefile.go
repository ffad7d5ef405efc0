package result

import (
	"io"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/atomicfile"
	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// CertificateSchema is the schema version of the self-test file.
const CertificateSchema = "tunnelbench.certificate/1"

// Certificate is the self-test of a machine: how accurately the lab measured devices whose
// behaviour is known.
type Certificate struct {
	Schema    string     `json:"schema"`
	Tool      Tool       `json:"tool"`
	Measured  time.Time  `json:"measured"`
	CPU       string     `json:"cpu"`
	Kernel    string     `json:"kernel"`
	CPUPlan   string     `json:"cpu_plan"`
	Engine    string     `json:"engine"` // engine of all standards that do not name one
	Standards []Standard `json:"standards"`
	Speeds    []Speed    `json:"speeds,omitempty"`
	Notes     []string   `json:"notes"`
}

// Speed is how fast this machine is: the rate of a closed loop of the control when it is fast, in
// frames per second, and how devices follow it.
type Speed struct {
	Control   string            `json:"control"` // device spec
	FrameSize rfc2544.FrameSize `json:"frame_size"`
	Nominal   float64           `json:"nominal_fps"`
	Followers []Follower        `json:"followers"`
}

// Follower is how a device follows the control's speed: its rate is proportional to the control's,
// to the power of the slope.
type Follower struct {
	Device string  `json:"device"`
	Slope  float64 `json:"slope"`
	// Weight is how much the control's speed moved meanwhile: the sum of the squared deviations of the
	// logarithm of its rate.
	Weight float64 `json:"weight"`
}

// Standard compares the known value of one property of a device with the measured value.
type Standard struct {
	Name      string  `json:"name"`
	Device    string  `json:"device"`   // device spec as given to --dut
	Quantity  string  `json:"quantity"` // loss, latency, rate, queue, outage or change
	Unit      string  `json:"unit"`     // unit of known and measured
	Known     float64 `json:"known"`
	Measured  float64 `json:"measured"`
	Error     float64 `json:"error"`
	Limit     float64 `json:"limit"`      // largest permitted error, in both directions
	ErrorUnit string  `json:"error_unit"` // unit of error and limit; "%" means percent of known
	N         int     `json:"n"`          // number of frames, or of measurements
	Valid     bool    `json:"valid"`
}

// Within reports whether the measurement is valid and its error is within the limit.
func (s Standard) Within() bool { return s.Valid && math.Abs(s.Error) <= s.Limit }

// Outside counts the standards that are not within their limits.
func (c *Certificate) Outside() (n int) {
	for _, s := range c.Standards {
		if !s.Within() {
			n++
		}
	}
	return n
}

// Fits reports whether the self-test was measured on this host in its current configuration.
func (c *Certificate) Fits(h Host) bool {
	return c.CPU == h.CPU && c.Kernel == h.Kernel && c.CPUPlan == h.CPUPlan
}

// ReadCertificate reads an untrusted self-test file, as strictly as Read reads results.
func ReadCertificate(r io.Reader, name string) (*Certificate, error) {
	c := new(Certificate)
	if err := certificateSchema().Read(r, name, c, func() error { return checkCertificate(c, "") }); err != nil {
		return nil, err
	}
	return c, nil
}

// WriteCertificate writes the self-test to path atomically.
func WriteCertificate(path string, c *Certificate) error {
	n := *c
	n.Standards, n.Notes, n.Speeds = NotNil(c.Standards), Texts(c.Notes), slices.Clone(c.Speeds)
	for i := range n.Speeds {
		n.Speeds[i].Followers = NotNil(n.Speeds[i].Followers)
	}
	data, err := certificateSchema().Write("certificate", &n, func() error { return checkCertificate(&n, "") })
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(path, data, 0o644)
}

// checkCertificate returns an error for NaN and infinite numbers.
func checkCertificate(c *Certificate, where string) error {
	if c == nil {
		return nil
	}
	for i, s := range c.Standards {
		for _, v := range []float64{s.Known, s.Measured, s.Error, s.Limit} {
			if !Finite(&v) {
				return strictjson.At(where+"/standards/"+strconv.Itoa(i), strictjson.Quote(s.Name)+" has a value that is not a finite number")
			}
		}
	}
	return nil
}
