package reports

import (
	"bytes"
	"strings"
	"testing"

	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/result/resulttest"
)

// The page, the text and the file contain the counts.
func TestReportCarriesCounts(t *testing.T) {
	r := resulttest.Small()
	r.Counts = &result.Counts{Emulator: "QEMU 7.2", Kernel: "6.1.0", Costs: []result.Cost{{Device: "vxlan", FrameSize: 64, Instructions: 22705, Batches: 100}}}
	data, err := result.Encode(r)
	if err != nil {
		t.Fatal(err)
	}
	if r, err = result.Read(bytes.NewReader(data), "r.json"); err != nil {
		t.Fatal(err)
	}
	var page, text bytes.Buffer
	if err := HTML(&page, r); err != nil {
		t.Fatal(err)
	}
	if err := WriteText(&text, r, false); err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]string{"text": text.String(), "page": page.String()} {
		if !strings.Contains(s, "22705.0") || !strings.Contains(s, "QEMU 7.2") || !strings.Contains(s, "do not rank tunnels") {
			t.Errorf("the %s says nothing of the counts", name)
		}
	}
}
