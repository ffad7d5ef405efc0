package events

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/reference/stats"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// The counters of a tunnel with many peers are one event, whose fields have the names of the counters.
func TestCounters(t *testing.T) {
	t.Parallel()
	s := stats.Stats{UnknownSource: 12, Peers: make([]stats.PeerStats, 65_536), Handshakes: &wireguard.Tally{Handshakes: 3, Initiations: 4, Responses: 5, Cookies: 6}}
	s.Encap = stats.Direction{Received: 10, Delivered: 8, Batches: 2, Drops: stats.Drops{stats.DropRoute: 2}}
	s.Decap = stats.Direction{Received: 20, Delivered: 9, Batches: 3, Control: 5, Drops: stats.Drops{stats.DropSeal: 1, stats.DropReplay: 5}}
	s.Handshakes.Received[0][wireguard.RefusedMAC], s.Handshakes.Received[1][wireguard.RefusedMAC] = 1, 2
	logged := func(s stats.Stats) string {
		var out bytes.Buffer
		log, err := NewLogger(&out, "json", "info")
		if err != nil {
			t.Fatal(err)
		}
		Counters(log, s)
		if !json.Valid(out.Bytes()) || strings.Count(out.String(), "\n") != 1 {
			t.Errorf("no line of JSON: %q", out.String())
		}
		_, fields, _ := strings.Cut(strings.TrimSuffix(out.String(), "\n"), `"msg":`)
		return fields
	}
	sealed := `"counters","encap":{"received":10,"delivered":8,"batches":2,"control":0,"dropped":{"route":2}},` +
		`"decap":{"received":20,"delivered":9,"batches":3,"control":5,"dropped":{"replay":5,"seal":1}},"unknown_sources":12,"peers":65536,` +
		`"handshakes":{"sessions":3,"initiations":4,"responses":5,"cookies":6,"refused":{"mac":3}}}`
	if diff := cmp.Diff(sealed, logged(s)); diff != "" {
		t.Errorf("sealed (-want +got):\n%s", diff)
	}
	plain := `"counters","encap":{"received":0,"delivered":0,"batches":0,"control":0},"decap":{"received":0,"delivered":0,"batches":0,"control":0},"unknown_sources":0,"peers":0}`
	if diff := cmp.Diff(plain, logged(stats.Stats{})); diff != "" {
		t.Errorf("plain (-want +got):\n%s", diff)
	}
}

// Of many lines within a second, the first is logged, and the next second tells how many were not.
func TestSparse(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log, err := NewLogger(&out, "json", "info")
	if err != nil {
		t.Fatal(err)
	}
	h, at := &sparse{Handler: log.Handler()}, time.Unix(1000, 0).UTC()
	for i := range 3000 {
		r := slog.NewRecord(at.Add(time.Duration(i)*time.Millisecond), slog.LevelError, fmt.Sprintf("line %d\nof two", i), 0)
		if err := h.Handle(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	want := `{"time":"1970-01-01T00:16:40Z","level":"ERROR","msg":"line 0\nof two"}
{"time":"1970-01-01T00:16:41Z","level":"ERROR","msg":"line 1000\nof two","left_out":999}
{"time":"1970-01-01T00:16:42Z","level":"ERROR","msg":"line 2000\nof two","left_out":999}
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	out.Reset()
	Sparse(log).Print("http: Accept error")
	if text := out.String(); !json.Valid([]byte(text)) || !strings.Contains(text, `"level":"ERROR","msg":"http: Accept error"}`) {
		t.Errorf("%q", text)
	}
}
