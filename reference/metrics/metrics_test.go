package metrics

import (
	"bytes"
	"encoding/binary"
	"io"
	"iter"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/openmetrics"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/reference/roster"
	"github.com/tunnelbench/tunnelbench/reference/stats"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// fake is a tunnel that does nothing.
type fake struct {
	stats stats.Stats
	peers []roster.Glance
}

func (f fake) Totals() stats.Stats              { return f.stats }
func (f fake) Glances() iter.Seq[roster.Glance] { return slices.Values(f.peers) }

// sealed returns a sealed tunnel with so many peers, all of which have traffic.
func sealed(peers int) fake {
	var f fake
	f.stats.Handshakes = &wireguard.Tally{Handshakes: 3, Initiations: 4}
	f.stats.Handshakes.Received[1][wireguard.RefusedMAC] = 17
	f.stats.Decap = stats.Direction{Received: 100, Delivered: 80, Batches: 10, Control: 5, Drops: stats.Drops{stats.DropSeal: 15}}
	f.stats.DecapSizes = stats.Sizes{0: 2, 4: 8}
	for i := range peers {
		id := uint32(i + 1)
		p := roster.Glance{Sight: wireguard.Sight{LastHandshake: time.Unix(1e9, 0), Unanswered: uint64(i), Heard: time.Now().Add(-time.Hour)}}
		binary.BigEndian.PutUint32(p.Public[:], id)
		p.PeerStats = stats.PeerStats{ID: id, SentPackets: uint64(i), SentOctets: 1 << 40, ReceivedPackets: 7, ReceivedOctets: 1 << 30}
		f.peers = append(f.peers, p)
	}
	return f
}

// scrape serves a tunnel and returns what a reader gets.
func scrape(tb testing.TB, f fake, accept string) string {
	tb.Helper()
	s, err := openmetrics.Listen("127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer s.Close()
	s.Serve(openmetrics.NewRegistry(openmetrics.Build{Version: "v1", Commit: "abc", Go: "go1"}, append(openmetrics.Process(), NewCollector(f))...))
	req, err := http.NewRequest(http.MethodGet, "http://"+s.Addr()+"/metrics", nil)
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("Accept", accept)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		tb.Fatalf("%v, %v", resp.Status, err)
	}
	return string(text)
}

const openMetrics = "application/openmetrics-text; version=1.0.0"

func TestMetrics(t *testing.T) {
	t.Parallel()
	text := scrape(t, sealed(2), openMetrics)
	for _, want := range []string{
		`tunnelbench_tunnel_received_packets_total{direction="decap"} 100.0`,
		`tunnelbench_tunnel_dropped_packets_total{direction="decap",reason="seal"} 15.0`,
		`tunnelbench_tunnel_queue_depth_packets{direction="decap"} 0.0`,
		`tunnelbench_tunnel_handshake_messages_received_total{outcome="mac",type="initiations"} 17.0`,
		`tunnelbench_tunnel_peer_sent_packets_total{peer="AAAAAgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="} 1.0`,
		`tunnelbench_tunnel_peer_last_handshake_timestamp_seconds{peer="AAAAAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="} 1e+09`,
		`tunnelbench_tunnel_peer_unanswered_handshakes_total{peer="AAAAAgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="} 1.0`,
		`tunnelbench_tunnel_peers 2.0`, `tunnelbench_tunnel_batch_packets_count{direction="decap"} 10`, "tunnelbench_build_info{", "process_cpu_seconds_total ", "go_goroutines ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text[:min(len(text), 6000)])
		}
	}
	age := regexp.MustCompile(`tunnelbench_tunnel_peer_endpoint_age_seconds\{peer="AAAAAQAAAA[^"]*"\} 3[67]\d\d\.`)
	if !age.MatchString(text) {
		t.Errorf("no %v in\n%s", age, text[:min(len(text), 6000)])
	}
	never := sealed(1)
	never.peers[0].Sight = wireguard.Sight{}
	if text := scrape(t, never, ""); strings.Contains(text, "age_seconds{") || strings.Contains(text, "last_handshake_timestamp_seconds{") {
		t.Error("a peer that never called has an age")
	}
	plain := sealed(3)
	plain.stats.Handshakes = nil
	if text := scrape(t, plain, ""); !strings.Contains(text, `peer_sent_packets_total{peer="3"} 2`) || strings.Contains(text, "handshakes_total") {
		t.Errorf("a plain tunnel: %s", text[:min(len(text), 3000)])
	}
}

// Ten thousand peers cost a reader no more than a thousand do, and he is told.
func TestManyPeers(t *testing.T) {
	t.Parallel()
	text := scrape(t, sealed(10_000), openMetrics)
	if n := strings.Count(text, "\ntunnelbench_tunnel_peer_sent_packets_total{"); n != MostPeers {
		t.Errorf("%d peers have series", n)
	}
	if !strings.Contains(text, "tunnelbench_tunnel_unlisted_peers 9000.0") || !strings.Contains(text, "tunnelbench_tunnel_peers 10000.0") {
		t.Error("nothing tells how many peers are left out")
	}
	if len(text) > 5<<20 {
		t.Errorf("%d octets", len(text))
	}
}

// The metrics follow the conventions of Prometheus.
func TestPromtool(t *testing.T) {
	t.Parallel()
	testenv.Program(t, "promtool", "prometheus")
	for name, f := range map[string]fake{"sealed": sealed(3), "plain": {peers: []roster.Glance{{PeerStats: stats.PeerStats{ID: 1}}}}} {
		cmd := exec.Command("promtool", "check", "metrics")
		cmd.Stdin = strings.NewReader(scrape(t, f, ""))
		if out, err := cmd.CombinedOutput(); err != nil || len(bytes.TrimSpace(out)) > 0 {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

// The batches lie in the buckets of their sizes: powers of two.
func TestBatchSizes(t *testing.T) {
	t.Parallel()
	families, err := openmetrics.NewRegistry(openmetrics.Build{}, NewCollector(sealed(0))).Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "tunnelbench_tunnel_batch_packets" {
			continue
		}
		h := f.Metric[0].Histogram // decap
		if h.GetSampleCount() != 10 || h.GetSampleSum() != 100 || h.GetSchema() != 0 || time.Since(h.GetCreatedTimestamp().AsTime()) > time.Hour {
			t.Errorf("%v", h)
		}
		var at []int32
		for _, span := range h.PositiveSpan {
			at = append(at, span.GetOffset(), int32(span.GetLength()))
		}
		if want := []int32{0, 1, 3, 1}; !slices.Equal(at, want) || !slices.Equal(h.PositiveDelta, []int64{2, 6}) {
			t.Errorf("spans %v, deltas %v", at, h.PositiveDelta)
		}
		return
	}
	t.Error("there is no histogram")
}

// BenchmarkScrape is what a reader of a tunnel with ten thousand peers waits for, over HTTP.
func BenchmarkScrape(b *testing.B) {
	f := sealed(10_000)
	for b.Loop() {
		b.SetBytes(int64(len(scrape(b, f, openMetrics))))
	}
}
