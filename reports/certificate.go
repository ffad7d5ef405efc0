package reports

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
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

// Within tells whether the standard was measured well enough.
func (s Standard) Within() bool { return s.Valid && math.Abs(s.Error) <= s.Limit }

// Fits tells whether a certificate speaks of this host, as it is used now.
func (c *Certificate) Fits(h Host) bool {
	return c.CPU == h.CPU && c.Kernel == h.Kernel && c.CPUPlan == h.CPUPlan
}

// ReadCertificate reads a certificate that anybody may have written, as
// strictly as Read reads results.
func ReadCertificate(r io.Reader, name string) (*Certificate, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxFile+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", clean(name), err)
	}
	c := new(Certificate)
	if err = walkCertificate(data); err == nil {
		err = json.Unmarshal(data, c)
	}
	if err == nil {
		err = checkCertificate(c, "")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", clean(name), err)
	}
	return c, nil
}

func walkCertificate(data []byte) error {
	root, err := readSchema()
	if err != nil {
		return err
	}
	return walk(data, root.Defs["certificate"])
}

// WriteCertificate writes the certificate at path, aside first, then renamed.
func WriteCertificate(path string, c *Certificate) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	n := *c
	n.Standards, n.Notes = notNil(c.Standards), texts(c.Notes)
	err := enc.Encode(n)
	if err == nil {
		err = checkCertificate(&n, "")
	}
	if err == nil {
		err = walkCertificate(b.Bytes())
	}
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	return WriteFile(path, b.Bytes())
}

// checkCertificate finds numbers that are none.
func checkCertificate(c *Certificate, where string) error {
	if c == nil {
		return nil
	}
	for i, s := range c.Standards {
		for _, v := range []float64{s.Known, s.Measured, s.Error, s.Limit} {
			if !finite(&v) {
				return &placeError{where + "/standards/" + strconv.Itoa(i), quote(s.Name) + " has what is no number"}
			}
		}
	}
	return nil
}

var certificateHead = []string{"standard", "known", "measured", "error", "limit", "n", "verdict"}

// cells are a standard's in the order of certificateHead.
func (s Standard) cells() []string {
	if !s.Valid {
		return []string{clean(s.Name), standardNumber(s.Known, s.Unit), none, none, standardNumber(s.Limit, s.ErrorUnit), strconv.Itoa(s.N), "not valid"}
	}
	verdict := "within"
	if !s.Within() {
		verdict = "outside"
	}
	return []string{clean(s.Name), standardNumber(s.Known, s.Unit), standardNumber(s.Measured, s.Unit),
		standardNumber(s.Error, s.ErrorUnit), standardNumber(s.Limit, s.ErrorUnit), strconv.Itoa(s.N), verdict}
}

func standardNumber(v float64, unit string) string {
	text := strconv.FormatFloat(v, 'f', 3, 64)
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	if text == "-0" {
		text = "0"
	}
	if unit == "frames in a wrong place" { // the column's name says it
		unit = "frames"
	}
	return text + " " + clean(unit)
}

// StandardLine is a standard as one line of text, for those who watch.
func StandardLine(s Standard) string {
	c := s.cells()
	name := c[0] + spaces(max(1, 66-utf8.RuneCountInString(c[0])))
	return fmt.Sprintf("%s known %s, measured %s: off by %s of %s allowed: %s", name, c[1], c[2], c[3], c[4], c[6])
}

// certificateTable is the page's table of standards; nil when there is none.
func certificateTable(c *Certificate) *tableView {
	if c == nil {
		return nil
	}
	t := &tableView{
		Caption: fmt.Sprintf("What this machine measured of devices of known effect, on %s, with %s", c.Measured.UTC().Format(time.DateOnly), clean(c.Tool.Commit)),
		Head:    certificateHead, Words: []string{"verdict"},
	}
	for _, s := range c.Standards {
		t.Rows = append(t.Rows, s.cells())
	}
	return t
}

// certificateText writes one line on how far the machine can be trusted.
func certificateText(w io.Writer, c *Certificate) error {
	if c == nil {
		return nil
	}
	outside := 0
	for _, s := range c.Standards {
		if !s.Within() {
			outside++
		}
	}
	_, err := fmt.Fprintf(w, "\nerror budget of this machine: %d of %d standards within their limits (tunnelbench certify, %s)\n",
		len(c.Standards)-outside, len(c.Standards), c.Measured.UTC().Format(time.DateOnly))
	return err
}
