package page

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/reports/behaviour"
	"github.com/tunnelbench/tunnelbench/reports/field"
	"github.com/tunnelbench/tunnelbench/reports/field/fieldtest"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// The goodput of TCP under loss has a row for each device and congestion control, and a column for each link.
func TestLossTable(t *testing.T) {
	t.Parallel()
	f := fieldtest.Sample()
	goodput := func(values ...rfc2544.Value) []behaviour.Finding {
		return []behaviour.Finding{{Test: behaviour.Goodput, Verdict: behaviour.None, Values: values}}
	}
	f.Devices[0].Behaviour = goodput(rfc2544.Value{Name: "1%-20ms-cubic", Value: 8e6}, rfc2544.Value{Name: "3%-20ms-cubic", Value: 3e6}, rfc2544.Value{Name: "1%-20ms-bbr", Value: 45e6})
	f.Devices[4].Behaviour = goodput(rfc2544.Value{Name: "3%-20ms-cubic", Value: 2.7e6}, rfc2544.Value{Name: "3%-20ms-cubic-plain", Value: 3e6}, rfc2544.Value{Name: "3%-20ms-cubic-share", Value: 90})
	_, got, _ := strings.Cut(Text(f), "rank  tcp under loss")
	got, _, _ = strings.Cut(got, "\n\n")
	want := `, mbit/s by loss each way and round trip  1%, 20ms              3%, 20ms  what
      plain, cubic                                                8.00                  3.00  C (kernel)
      plain, bbr                                                  45.0                     –  C (kernel)
      wireguard-go, cubic                                            –  2.70 (90 % of plain)  Go · chacha20-poly1305 · UDP`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, ok := lossTable(fieldtest.Sample()); ok {
		t.Error("a table of nothing")
	}
}

// A size that a device does not carry is said, and is not left empty.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	f := fieldtest.Sample()
	d := &f.Devices[1]
	d.Points = append(d.Points, field.Point{Size: 1518, Light: &field.Load{Rate: 2000, Offered: 2000}})
	if got := rateCell(d, 1518, f.Control).Text; got != "too large" {
		t.Errorf("1518 bytes: %q", got)
	}
	if got := rateCell(d, 64, f.Control).Text; got != "360.0" {
		t.Errorf("64 bytes: %q", got)
	}
}

// A device that was not measured beside the control has its rate and no rank.
func TestAlone(t *testing.T) {
	t.Parallel()
	f := fieldtest.Sample()
	f.Devices[1].Points[0].Normal = nil
	_, text, _ := strings.Cut(Text(f), "\n      vxlan")
	if !strings.Contains(text, " 288.0 (alone) ") {
		t.Errorf("%s", text)
	}
}
