package reports

import (
	"bytes"
	"strings"
	"testing"

	"github.com/tunnelbench/tunnelbench/reports/matrix"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/reports/result/resulttest"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// withStreams returns the fixture with the streams of three devices.
func withStreams(t *testing.T) *result.Results {
	t.Helper()
	r := resulttest.Fixture()
	low, high := 7.5e9, 8.5e9
	streams := func(dut, kind string) result.Result {
		return result.Result{DUT: dut, Kind: kind, Test: rfc2544.NameStreams, FrameSize: 1518, Direction: "forward", Valid: true, LimitedBy: result.LimitedByTester}
	}
	measured, refused, spoilt := streams("vxlan", result.KindPlain), streams(result.WireDUT, result.KindCalibration), streams("wireguard-go", result.KindSealed)
	measured.Values = []rfc2544.Value{
		{Name: "stream_goodput", Unit: "bit/s", Value: 8e9, Lower: &low, Upper: &high, N: 3, Better: 1},
		{Name: "stream_goodput_share", Unit: "ratio", Value: 0.994, N: 3, Better: 1},
		{Name: "stream_goodput_8", Unit: "bit/s", Value: 12345.6e6, N: 3, Better: 1},
		{Name: "request_response_p50", Unit: "ns", Value: 99072, N: 3, Better: -1},
		{Name: "connection_rate", Unit: "1/s", Value: 3715.6, N: 3, Better: 1},
	}
	refused.Valid, refused.LimitedBy, refused.Unsupported = false, "", "it joins the tester's ports"
	spoilt.Valid, spoilt.Warnings = false, []string{"bulk, 1 connections: invalid: not one octet came through"}
	r.CongestionControl = "cubic"
	r.Results = append(r.Results, measured, refused, spoilt)
	return r
}

func TestStreamsInText(t *testing.T) {
	var b bytes.Buffer
	if err := WriteText(&b, withStreams(t), false); err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(b.String(), "\nstreams, TCP cubic ")
	if !found {
		t.Fatalf("no table of streams in %s", b.String())
	}
	for name, want := range map[string]string{
		"vxlan":        "8000.0  12345.6    99 %       –    99.1       –    3716       –  tester",
		"wire":         "–        –       –       –       –       –       –       –  cannot run",
		"wireguard-go": "not valid, tester",
	} {
		if !strings.Contains(table, "\n"+name+" ") || !strings.Contains(table, want) {
			t.Errorf("%s: no %q in %s", name, want, table)
		}
	}
}

func TestStreamsInPage(t *testing.T) {
	var b, without bytes.Buffer
	if err := HTML(&b, withStreams(t)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`id="m-streams"`, "<b>8000.0</b><span>7500.0–8500.0</span><span>limit: the tester</span>", "stream_goodput_8"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %s in the page", want)
		}
	}
	if err := HTML(&without, resulttest.Fixture()); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(without.String(), "m-streams") {
		t.Error("a table of streams where there are none")
	}
}

// Streams do not add a frame size to the matrix and do not invalidate a device there.
func TestStreamsStayOutOfTheMatrix(t *testing.T) {
	was, is := matrix.NewMatrix(resulttest.Fixture()), matrix.NewMatrix(withStreams(t))
	if len(is.Sizes) != len(was.Sizes) || len(is.Rows) != len(was.Rows) {
		t.Errorf("%d sizes and %d rows, want %d and %d", len(is.Sizes), len(is.Rows), len(was.Sizes), len(was.Rows))
	}
	for i := range is.Rows {
		for j := range is.Rows[i].Cells {
			if got, want := is.Rows[i].Cells[j].State(), was.Rows[i].Cells[j].State(); got != want {
				t.Errorf("%s: %q, want %q", is.Rows[i].Label, got, want)
			}
		}
	}
}

func TestStreamsSurviveTheFile(t *testing.T) {
	data, err := result.Encode(withStreams(t))
	if err != nil {
		t.Fatal(err)
	}
	back, err := result.Read(bytes.NewReader(data), "results.json")
	if err != nil || len(streamResults(back)) != 3 {
		t.Errorf("%v, %d results of streams", err, len(streamResults(back)))
	}
}
