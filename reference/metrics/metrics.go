// Package metrics shows the counters of a tunnel in the text formats of Prometheus and OpenMetrics. Everything is read when somebody
// asks for it: the tunnel's data path does nothing for it but count.
//
//	GET /metrics ──► registry ──► collector ──► Tunnel.Totals, Tunnel.Glances
package metrics

import (
	"iter"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tunnelbench/tunnelbench/reference/roster"
	"github.com/tunnelbench/tunnelbench/reference/stats"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// Tunnel is what the metrics are read from.
type Tunnel interface {
	Totals() stats.Stats
	Glances() iter.Seq[roster.Glance]
}

// MostPeers is the number of peers that have series of their own: those that joined first. The others are counted in the
// totals, and by tunnelbench_tunnel_unlisted_peers.
const MostPeers = 1000

const prefix = "tunnelbench_tunnel_"

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prefix+name, help, labels, nil)
}

var (
	received  = desc("received_packets_total", "Packets read from the LAN port (encap) or datagrams read from the underlay socket (decap).", "direction")
	delivered = desc("delivered_packets_total", "Datagrams that the socket accepted (encap) or packets that the LAN port accepted (decap).", "direction")
	control   = desc("control_messages_total", "Handshake messages and keepalives that were received.")
	dropped   = desc("dropped_packets_total", "Packets that were dropped, by the reason; docs/tunnel.md says what each means.", "direction", "reason")
	depth     = desc("queue_depth_packets", "Packets that were received and neither delivered nor dropped so far: most wait for a session.", "direction")
	sizes     = desc("batch_packets", "Packets of a batch.", "direction")
	unknown   = desc("unknown_source_messages_total", "Messages from unknown sources that the socket's filter dropped.")
	peers     = desc("peers", "Peers of this end.")
	unlisted  = desc("unlisted_peers", "Peers that have no series of their own, because there are too many.")

	handshakes = desc("handshakes_total", "Handshakes that led to a session.")
	sent       = desc("handshake_messages_sent_total", "Handshake messages that were sent, by type.", "type")
	taken      = desc("handshake_messages_received_total", "Handshake messages that were received, by type and outcome: accepted, or why not.", "type", "outcome")

	peerSent        = desc("peer_sent_packets_total", "Inner packets that went to the peer.", "peer")
	peerSentOctets  = desc("peer_sent_bytes_total", "Bytes of inner packets that went to the peer.", "peer")
	peerTaken       = desc("peer_received_packets_total", "Inner packets from the peer that passed every check.", "peer")
	peerTakenOctets = desc("peer_received_bytes_total", "Bytes of inner packets from the peer that passed every check.", "peer")
	peerHandshake   = desc("peer_last_handshake_timestamp_seconds", "When the peer's last handshake led to a session, in seconds since 1970. Absent: never.", "peer")
	peerAge         = desc("peer_endpoint_age_seconds", "How long ago the peer has last shown that it is at its endpoint: since its last message that passed every check. Absent: it never has, or not since somebody set the endpoint.", "peer")
	peerUnanswered  = desc("peer_unanswered_handshakes_total", "Handshakes with the peer that this end gave up, since nobody answered.", "peer")
)

// plainName names the peers of a plain tunnel by their tunnel id.
func plainName(id uint32) string { return strconv.FormatUint(uint64(id), 10) }

// collector reads a tunnel.
type collector struct {
	tunnel Tunnel
	since  time.Time
	now    func() time.Time
}

// NewCollector returns the metrics of a tunnel that begins now.
func NewCollector(t Tunnel) prometheus.Collector { return collector{t, time.Now(), time.Now} }

// Describe says nothing in advance: what there is depends on the tunnel.
func (c collector) Describe(chan<- *prometheus.Desc) {}

// Collect reads the tunnel once.
func (c collector) Collect(out chan<- prometheus.Metric) {
	s := c.tunnel.Totals()
	c.directions(out, s)
	count(out, unknown, s.UnknownSource)
	if s.Handshakes != nil {
		tally(out, *s.Handshakes)
	}
	n := 0
	for p := range c.tunnel.Glances() {
		if n++; n > MostPeers {
			continue
		}
		if s.Handshakes == nil {
			peer(out, p.PeerStats, plainName(p.ID))
			continue
		}
		name := p.Public.String() // as wg does
		peer(out, p.PeerStats, name)
		c.sight(out, p.Sight, name)
	}
	gauge(out, peers, float64(n))
	gauge(out, unlisted, float64(max(0, n-MostPeers)))
}

// sight shows what else is known of a sealed peer.
func (c collector) sight(out chan<- prometheus.Metric, s wireguard.Sight, name string) {
	count(out, peerUnanswered, s.Unanswered, name)
	if !s.LastHandshake.IsZero() {
		gauge(out, peerHandshake, float64(s.LastHandshake.UnixNano())/1e9, name)
	}
	if !s.Heard.IsZero() {
		gauge(out, peerAge, max(0, c.now().Sub(s.Heard).Seconds()), name)
	}
}

func count(out chan<- prometheus.Metric, d *prometheus.Desc, n uint64, labels ...string) {
	out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
}

func gauge(out chan<- prometheus.Metric, d *prometheus.Desc, v float64, labels ...string) {
	out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func (c collector) directions(out chan<- prometheus.Metric, s stats.Stats) {
	count(out, control, s.Decap.Control)
	for _, d := range []struct {
		name  string
		of    stats.Direction
		sizes stats.Sizes
	}{{"encap", s.Encap, s.EncapSizes}, {"decap", s.Decap, s.DecapSizes}} {
		count(out, received, d.of.Received, d.name)
		count(out, delivered, d.of.Delivered, d.name)
		for reason := stats.DropNone + 1; reason < stats.NumDrops; reason++ {
			count(out, dropped, d.of.Drops[reason], d.name, reason.String())
		}
		// Counters are read one after the other: what is in between may seem to be less than nothing.
		gauge(out, depth, max(0, float64(d.of.Received)-float64(d.of.Delivered+d.of.Control+d.of.Drops.Sum())), d.name)
		out <- c.histogram(d.of, d.sizes, d.name)
	}
}

// histogram returns the sizes of the batches as a native histogram of schema 0, whose buckets are the powers of two. Readers of
// a text format get only its count and sum.
func (c collector) histogram(d stats.Direction, s stats.Sizes, name string) prometheus.Metric {
	buckets, all := map[int]int64{}, uint64(0)
	for i, n := range s {
		if n > 0 {
			buckets[i] = int64(n)
			all += n
		}
	}
	return prometheus.MustNewConstNativeHistogram(sizes, all, float64(d.Received), buckets, nil, 0, 0, 0, c.since, name)
}

func tally(out chan<- prometheus.Metric, t wireguard.Tally) {
	count(out, handshakes, t.Handshakes)
	count(out, sent, t.Initiations, "initiations")
	count(out, sent, t.Responses, "responses")
	count(out, sent, t.Cookies, "cookies")
	for kind, name := range wireguard.KindNames() {
		for outcome := range wireguard.NumRefusals {
			count(out, taken, t.Received[kind][outcome], name, outcome.String())
		}
	}
}

func peer(out chan<- prometheus.Metric, p stats.PeerStats, name string) {
	count(out, peerSent, p.SentPackets, name)
	count(out, peerSentOctets, p.SentOctets, name)
	count(out, peerTaken, p.ReceivedPackets, name)
	count(out, peerTakenOctets, p.ReceivedOctets, name)
}
