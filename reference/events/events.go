// Package events says what an operator wants to know of a running tunnel: that a peer is up or has moved, that handshakes
// are refused and why, that packets are dropped. It reads the tunnel's counters once a second, so that a flood of bad packets
// makes one line a second for each kind, and the data path does nothing for it.
//
//	Tunnel.Totals, Tunnel.Glances ──► Watcher.Look ──► log/slog
package events

import (
	"context"
	"iter"
	"log/slog"
	"maps"
	"net/netip"
	"time"

	"github.com/tunnelbench/tunnelbench/reference/roster"
	"github.com/tunnelbench/tunnelbench/reference/stats"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// Tunnel is what is watched.
type Tunnel interface {
	Totals() stats.Stats
	Glances() iter.Seq[roster.Glance]
}

// Period is the time between two looks, and so between two lines of one kind.
const Period = time.Second

// Watcher compares a tunnel with what it was at the last look.
type Watcher struct {
	log   *slog.Logger
	last  stats.Stats
	peers map[wireguard.PublicKey]*seen
	looks uint64 // so far
}

// old is the age at which a session carries nothing any more: Reject-After-Time of WireGuard.
const old = 180 * time.Second

// seen is what was last seen of a peer.
type seen struct {
	endpoint   netip.AddrPort
	up         bool
	unanswered uint64 // handshakes
	look       uint64 // the last one that saw it
}

// NewWatcher returns a watcher that writes to the logger.
func NewWatcher(log *slog.Logger) *Watcher {
	return &Watcher{log: log, peers: map[wireguard.PublicKey]*seen{}}
}

// Run looks at the tunnel each Period until ctx is done.
func (w *Watcher) Run(ctx context.Context, t Tunnel) {
	tick := time.NewTicker(Period)
	defer tick.Stop()
	w.Look(time.Now(), t.Totals(), t.Glances())
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			w.Look(now, t.Totals(), t.Glances())
		}
	}
}

// Look logs what has changed since the last look: each kind of loss at most once, and what became of some peers. The first look only
// remembers the counters.
func (w *Watcher) Look(now time.Time, s stats.Stats, peers iter.Seq[roster.Glance]) {
	if w.looks > 0 {
		w.drops("encap", s.Encap, w.last.Encap)
		w.drops("decap", s.Decap, w.last.Decap)
		if s.UnknownSource > w.last.UnknownSource {
			w.log.Warn("messages from unknown sources dropped", "count", s.UnknownSource-w.last.UnknownSource)
		}
		w.handshakes(s.Handshakes, w.last.Handshakes)
	}
	w.look(now, peers)
	w.last = s
}

// drops logs each reason whose counter rose.
func (w *Watcher) drops(direction string, now, before stats.Direction) {
	for reason := stats.DropNone + 1; reason < stats.NumDrops; reason++ {
		if n := now.Drops[reason] - before.Drops[reason]; n > 0 {
			w.log.Warn("packets dropped", "direction", direction, "reason", reason.String(), "count", n)
		}
	}
}

// handshakes logs each reason for which handshake messages were refused.
func (w *Watcher) handshakes(now, before *wireguard.Tally) {
	if now == nil || before == nil {
		return
	}
	for why := wireguard.Accepted + 1; why < wireguard.NumRefusals; why++ {
		if n := now.Refused(why) - before.Refused(why); n > 0 {
			w.log.Warn("handshake messages refused", "reason", why.String(), "count", n)
		}
	}
}

// mostPeers is how many peers have lines of their own in one look.
const mostPeers = 8

// look logs what became of the peers. Where many change at once, the others are a number.
func (w *Watcher) look(now time.Time, peers iter.Seq[roster.Glance]) {
	w.looks++
	changed, there := 0, 0
	say := func(level slog.Level, public wireguard.PublicKey, what string, attributes ...any) {
		if changed++; changed <= mostPeers {
			w.log.Log(context.Background(), level, what, append([]any{"peer", short(public)}, attributes...)...)
		}
	}
	for p := range peers {
		if p.Public == (wireguard.PublicKey{}) {
			return // of a plain tunnel
		}
		there++
		was := w.peers[p.Public]
		if was == nil {
			was = &seen{unanswered: p.Unanswered}
			w.peers[p.Public] = was
			if w.looks > 1 {
				say(slog.LevelInfo, p.Public, "peer added")
			}
		}
		was.look = w.looks
		was.compare(now, &p, say)
	}
	if there < len(w.peers) {
		maps.DeleteFunc(w.peers, func(public wireguard.PublicKey, was *seen) bool {
			gone := was.look != w.looks
			if gone {
				say(slog.LevelInfo, public, "peer removed")
			}
			return gone
		})
	}
	if more := changed - mostPeers; more > 0 {
		w.log.Info("more peers changed", "count", more)
	}
}

// compare says how a peer differs from what was seen of it, and remembers it. A peer that is up has made a handshake, and not
// let its session grow old.
func (was *seen) compare(now time.Time, p *roster.Glance, say func(slog.Level, wireguard.PublicKey, string, ...any)) {
	if was.endpoint != p.Endpoint {
		if was.endpoint.IsValid() {
			say(slog.LevelInfo, p.Public, "peer moved", "from", was.endpoint.String(), "to", p.Endpoint.String())
		}
		was.endpoint = p.Endpoint
	}
	if up := !p.LastHandshake.IsZero() && now.Sub(p.LastHandshake) < old; up != was.up {
		if was.up = up; up {
			say(slog.LevelInfo, p.Public, "peer up", "endpoint", p.Endpoint.String())
		} else {
			say(slog.LevelInfo, p.Public, "peer down: no handshake for 3 minutes")
		}
	}
	if was.unanswered != p.Unanswered {
		was.unanswered = p.Unanswered
		say(slog.LevelWarn, p.Public, "handshake failed", "reason", "no answer", "tries", wireguard.Attempts, "for", wireguard.GiveUpAfter.String(), "endpoint", p.Endpoint.String())
	}
}

// short is the beginning of a public key, which tells peers apart in a log.
func short(k wireguard.PublicKey) string { return k.String()[:8] + "…" }
