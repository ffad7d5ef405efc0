package reports

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/reports/budget"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/result/resulttest"
)

func someCertificate() *result.Certificate {
	return &result.Certificate{
		Schema: result.CertificateSchema, Tool: result.Tool{Version: "v1", Commit: "abc", Go: "go1"}, Measured: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC),
		CPU: "a cpu", Kernel: "6.18", CPUPlan: "tester 0, dut 1", Engine: "xdp",
		Standards: []result.Standard{
			{Name: "delay", Device: "relay:delay=1ms", Quantity: "latency", Unit: "us", Known: 1000, Measured: 1001.5, Error: 1.5, Limit: 20, ErrorUnit: "us", N: 10, Valid: true},
			{Name: "rate", Device: "relay:rate=1kpps", Quantity: "rate", Unit: "fps", Known: 1000, Measured: 900, Error: -10, Limit: 0.5, ErrorUnit: "%", N: 10, Valid: true},
			{Name: "outage", Device: "relay:outage=1s+1s", Quantity: "outage", Unit: "ms", Known: 1000, Limit: 5, ErrorUnit: "ms"},
		},
		Notes: []string{"a note"},
	}
}

func TestCertificateComesBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.json")
	if err := result.WriteCertificate(path, someCertificate()); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	c, err := result.ReadCertificate(bytes.NewReader(data), path)
	if err != nil || len(c.Standards) != 3 || c.Standards[1] != someCertificate().Standards[1] {
		t.Fatalf("%+v, %v", c, err)
	}
	for _, bad := range []string{"", "{}", strings.Replace(string(data), `"unit": "us"`, `"unit": ""`, 1), strings.Replace(string(data), `"xdp"`, `7`, 1)} {
		if _, err := result.ReadCertificate(strings.NewReader(bad), "c.json"); err == nil || !strings.HasPrefix(err.Error(), "c.json: ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.40q: %v", bad, err)
		}
	}
}

func TestCertificateThatIsNoNumber(t *testing.T) {
	c := someCertificate()
	c.Standards[0].Measured = math.NaN()
	if err := result.WriteCertificate(filepath.Join(t.TempDir(), "c.json"), c); err == nil {
		t.Error("a certificate without a number was written")
	}
}

func TestStandardsAreJudged(t *testing.T) {
	for i, want := range []string{"within", "outside", "not valid"} {
		s := someCertificate().Standards[i]
		if line := budget.Line(s); !strings.HasSuffix(line, want) || s.Within() != (want == "within") {
			t.Errorf("%q, want %s", line, want)
		}
	}
}

func TestCertificateFitsItsMachine(t *testing.T) {
	c := someCertificate()
	h := result.Host{CPU: "a cpu", Kernel: "6.18", CPUPlan: "tester 0, dut 1"}
	if !c.Fits(h) {
		t.Error("does not fit its own machine")
	}
	h.Kernel = "6.19"
	if c.Fits(h) {
		t.Error("fits another kernel")
	}
}

// The page, the text and the file contain the self-test.
func TestReportCarriesCertificate(t *testing.T) {
	r := resulttest.Small()
	r.Certificate = someCertificate()
	var page, text bytes.Buffer
	if err := HTML(&page, r); err != nil {
		t.Fatal(err)
	}
	if err := WriteText(&text, r, false); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(page.String(), "Error budget of this machine") || !strings.Contains(text.String(), "1 of 3 standards within") {
		t.Errorf("not carried: %s", text.String())
	}
	data, err := result.Encode(r)
	if err != nil {
		t.Fatal(err)
	}
	back, err := result.Read(bytes.NewReader(data), "r.json")
	if err != nil || back.Certificate == nil || len(back.Certificate.Standards) != 3 {
		t.Errorf("%+v, %v", back, err)
	}
}
