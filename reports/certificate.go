package reports

import "time"

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
	Engine    string     `json:"engine"`
	Standards []Standard `json:"standards"`
	Notes     []string   `json:"notes"`
}

// Standard is one device of known effect, and what was measured of it.
type Standard struct {
	Name      string  `json:"name"`     // such as "delay of 1 ms"
	Device    string  `json:"device"`   // as --dut names it
	Quantity  string  `json:"quantity"` // rate, loss, latency, queue, outage, change
	Unit      string  `json:"unit"`
	Known     float64 `json:"known"`
	Measured  float64 `json:"measured"`
	Error     float64 `json:"error"`      // in the unit of Limit
	Limit     float64 `json:"limit"`      // what the error may be
	ErrorUnit string  `json:"error_unit"` // "%" of Known, or Unit
	N         int     `json:"n"`          // measurements, or frames where it counts to the frame
	Valid     bool    `json:"valid"`
}
