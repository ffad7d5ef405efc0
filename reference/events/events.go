// Package events says what an operator wants to know of a running tunnel: that a peer is up or has moved, that handshakes
// are refused and why, that packets are dropped. It reads the tunnel's counters once a second, so that a flood of bad packets
// makes one line a second for each kind, and the data path does nothing for it.
//
//	Tunnel.Stats, Tunnel.State ──► Watcher.Look ──► log/slog
package events

import (
	"context"
	"log/slog"
	"net/netip"
	"time"

	"github.com/tunnelbench/tunnelbench/reference/roster"
	"github.com/tunnelbench/tunnelbench/reference/stats"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// Tunnel is what is watched.
type Tunnel interface {
	Stats() stats.Stats
	State() roster.State // without peers if the tunnel is plain
}

// Period is the time between two looks, and so between two lines of one kind.
const Period = time.Second

// Watcher compares a tunnel with what it was at the last look.
type Watcher struct {
	log   *slog.Logger
	last  stats.Stats
	peers map[wireguard.PublicKey]seen
	begun bool
}

// old is the age at which a session carries nothing any more: Reject-After-Time of WireGuard.
const old = 180 * time.Second

// seen is what was last seen of a peer.
type seen struct {
	endpoint netip.AddrPort
	up       bool
}

// NewWatcher returns a watcher that writes to the logger.
func NewWatcher(log *slog.Logger) *Watcher {
	return &Watcher{log: log, peers: map[wireguard.PublicKey]seen{}}
}

// Run looks at the tunnel each Period until ctx is done.
func (w *Watcher) Run(ctx context.Context, t Tunnel) {
	tick := time.NewTicker(Period)
	defer tick.Stop()
	w.Look(time.Now(), t.Stats(), t.State())
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			w.Look(now, t.Stats(), t.State())
		}
	}
}

// Look logs what has changed since the last look: each kind of loss at most once, and what became of some peers. The first look only
// remembers the counters.
func (w *Watcher) Look(now time.Time, s stats.Stats, state roster.State) {
	if w.begun {
		w.drops("encap", s.Encap, w.last.Encap)
		w.drops("decap", s.Decap, w.last.Decap)
		if s.UnknownSource > w.last.UnknownSource {
			w.log.Warn("messages from unknown sources dropped", "count", s.UnknownSource-w.last.UnknownSource)
		}
		w.handshakes(s.Handshakes, w.last.Handshakes)
	}
	w.look(now, state)
	w.last, w.begun = s, true
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

// look logs what became of the peers. One that is up has made a handshake, and not let its session grow old. Where many change at once, the
// others are a number.
func (w *Watcher) look(now time.Time, state roster.State) {
	peers, changed := make(map[wireguard.PublicKey]seen, len(state.Peers)), 0
	say := func(public wireguard.PublicKey, what string, attributes ...any) {
		if changed++; changed <= mostPeers {
			w.log.Info(what, append([]any{"peer", short(public)}, attributes...)...)
		}
	}
	for _, p := range state.Peers {
		was, known := w.peers[p.Public]
		is := seen{p.Endpoint, !p.LastHandshake.IsZero() && now.Sub(p.LastHandshake) < old}
		switch {
		case !known && w.begun:
			say(p.Public, "peer added")
		case known && was.endpoint.IsValid() && is.endpoint != was.endpoint:
			say(p.Public, "peer moved", "from", was.endpoint.String(), "to", is.endpoint.String())
		}
		switch {
		case is.up && !was.up:
			say(p.Public, "peer up", "endpoint", is.endpoint.String())
		case was.up && !is.up:
			say(p.Public, "peer down: no handshake for 3 minutes")
		}
		peers[p.Public] = is
	}
	for public := range w.peers {
		if _, there := peers[public]; !there {
			say(public, "peer removed")
		}
	}
	if more := changed - mostPeers; more > 0 {
		w.log.Info("more peers changed", "count", more)
	}
	w.peers = peers
}

// short is the beginning of a public key, which tells peers apart in a log.
func short(k wireguard.PublicKey) string { return k.String()[:8] + "…" }
