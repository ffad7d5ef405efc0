package result

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/strictjson"
)

// CertificateSchema names the version of the certificate.
const CertificateSchema = "tunnelbench.certificate/1"

// Certificate is the error budget of a machine: what the lab measured on
// devices of known effect.
type Certificate struct {
	Schema    string     `json:"schema"`
	Tool      Tool       `json:"tool"`
	Measured  time.Time  `json:"measured"`
	CPU       string     `json:"cpu"`
	Kernel    string     `json:"kernel"`
	CPUPlan   string     `json:"cpu_plan"`
	Engine    string     `json:"engine"` // that measured what does not name another
	Standards []Standard `json:"standards"`
	Notes     []string   `json:"notes"`
}

// Standard is one property of a device of known effect, and what was measured of it.
type Standard struct {
	Name      string  `json:"name"`
	Device    string  `json:"device"`   // as --dut names it
	Quantity  string  `json:"quantity"` // loss, latency, rate, queue, outage or change
	Unit      string  `json:"unit"`     // of known and measured
	Known     float64 `json:"known"`
	Measured  float64 `json:"measured"`
	Error     float64 `json:"error"`
	Limit     float64 `json:"limit"`      // what the error may be, up or down
	ErrorUnit string  `json:"error_unit"` // of both: "%" is of known
	N         int     `json:"n"`          // frames of a measurement, or measurements
	Valid     bool    `json:"valid"`
}

// Within reports whether the standard was measured well enough.
func (s Standard) Within() bool { return s.Valid && math.Abs(s.Error) <= s.Limit }

// Outside counts the reference values that were not measured well enough.
func (c *Certificate) Outside() (n int) {
	for _, s := range c.Standards {
		if !s.Within() {
			n++
		}
	}
	return n
}

// Fits reports whether a certificate was measured on this host, as it is used now.
func (c *Certificate) Fits(h Host) bool {
	return c.CPU == h.CPU && c.Kernel == h.Kernel && c.CPUPlan == h.CPUPlan
}

// ReadCertificate reads a certificate that anybody may have written, as
// strictly as Read reads results.
func ReadCertificate(r io.Reader, name string) (*Certificate, error) {
	c := new(Certificate)
	data, err := strictjson.ReadAll(r)
	if err == nil {
		err = certificateSchema().Decode(data, c)
	}
	if err == nil {
		err = checkCertificate(c, "")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", strictjson.Clean(name), err)
	}
	return c, nil
}

// WriteCertificate writes the certificate at path, aside first, then renamed.
func WriteCertificate(path string, c *Certificate) error {
	n := *c
	n.Standards, n.Notes = NotNil(c.Standards), Texts(c.Notes)
	err := checkCertificate(&n, "")
	var data []byte
	if err == nil {
		data, err = certificateSchema().Encode(n)
	}
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	return WriteFile(path, data)
}

// checkCertificate finds numbers that are none.
func checkCertificate(c *Certificate, where string) error {
	if c == nil {
		return nil
	}
	for i, s := range c.Standards {
		for _, v := range []float64{s.Known, s.Measured, s.Error, s.Limit} {
			if !Finite(&v) {
				return strictjson.At(where+"/standards/"+strconv.Itoa(i), strictjson.Quote(s.Name)+" has what is no number")
			}
		}
	}
	return nil
}
