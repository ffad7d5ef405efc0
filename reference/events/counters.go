package events

import (
	"log/slog"

	"github.com/tunnelbench/tunnelbench/reference/stats"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// Counters logs the totals of a tunnel as one event. Those of its peers are in the metrics.
func Counters(log *slog.Logger, s stats.Stats) {
	all := []any{direction("encap", s.Encap), direction("decap", s.Decap), slog.Uint64("unknown_sources", s.UnknownSource), slog.Int("peers", len(s.Peers))}
	if s.Handshakes != nil {
		all = append(all, handshakes(s.Handshakes))
	}
	log.Info("counters", all...)
}

// direction has the counters of a direction, without drops that are 0.
func direction(name string, d stats.Direction) slog.Attr {
	drops := []any{}
	for reason, n := range d.Drops {
		if n > 0 {
			drops = append(drops, slog.Uint64(stats.Drop(reason).String(), n))
		}
	}
	return slog.Group(name, slog.Uint64("received", d.Received), slog.Uint64("delivered", d.Delivered), slog.Uint64("batches", d.Batches),
		slog.Uint64("control", d.Control), slog.Group("dropped", drops...))
}

// handshakes has the counters of handshake messages, without refusals that are 0.
func handshakes(t *wireguard.Tally) slog.Attr {
	refused := []any{}
	for why := wireguard.Accepted + 1; why < wireguard.NumRefusals; why++ {
		if n := t.Refused(why); n > 0 {
			refused = append(refused, slog.Uint64(why.String(), n))
		}
	}
	return slog.Group("handshakes", slog.Uint64("sessions", t.Handshakes), slog.Uint64("initiations", t.Initiations), slog.Uint64("responses", t.Responses),
		slog.Uint64("cookies", t.Cookies), slog.Group("refused", refused...))
}
