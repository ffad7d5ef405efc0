package roster

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"time"

	"github.com/gaissmai/bart"

	"github.com/tunnelbench/tunnelbench/reference/settings"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// Change says what becomes of the peers of a tunnel. Peers are changed in this order; one may be there several
// times.
type Change struct {
	ReplacePeers bool // only Peers stay, each as if it joined; one with the same preshared key as before keeps its sessions
	Peers        []PeerChange
}

// PeerChange says what becomes of a peer. A peer that is not there joins.
type PeerChange struct {
	Public          wireguard.PublicKey
	Remove          bool
	UpdateOnly      bool                    // a peer that is not there does not join
	Preshared       *wireguard.PresharedKey // nil: as it is. The new one counts from the next handshake on
	Endpoint        netip.AddrPort          // invalid: as it is
	Keepalive       *time.Duration          // nil: as it is
	ReplacePrefixes bool                    // the prefixes so far are nobody's first
	Prefixes        []PrefixChange          // in this order
}

// PrefixChange gives a prefix to a peer, whosever it was, or takes it away if it is the peer's.
type PrefixChange struct {
	Prefix netip.Prefix // masked
	Remove bool
}

// ErrTooMany is an error of Change.
var ErrTooMany = errors.New("too many peers")

// draft is a roster as it will be.
type draft[M Member] struct {
	*Roster[M]
	routes   *bart.Table[M]
	replaces bool
	touched  map[wireguard.PublicKey]*entry[M] // nil: leaves
	size     int
}

// Change makes a change, or returns an error of one line and changes nothing.
func (r *Roster[M]) Change(now time.Time, c Change) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	d := &draft[M]{Roster: r, routes: r.routes.Load(), replaces: c.ReplacePeers, touched: map[wireguard.PublicKey]*entry[M]{}, size: len(r.peers)}
	if c.ReplacePeers {
		d.routes, d.size = new(bart.Table[M]), 0
		for public := range r.peers {
			d.touched[public] = nil
		}
	}
	joined, lastID := r.joined, r.lastID
	for _, p := range c.Peers {
		if err := d.change(p); err != nil {
			r.joined, r.lastID = joined, lastID
			return fmt.Errorf("peer %v: %w", p.Public, err)
		}
	}
	return d.commit(now)
}

func (d *draft[M]) change(c PeerChange) error {
	e := d.find(c.Public)
	switch {
	case c.Public == d.device.Public(): // as WireGuard does: one list of peers may go to all ends
		return nil
	case e == nil && (c.Remove || c.UpdateOnly):
		return nil
	case c.Remove:
		d.release(e)
		d.touched[c.Public] = nil
		d.size--
		return nil
	case e == nil:
		if d.size == settings.MaxPeers {
			return ErrTooMany
		}
		d.size++
		e = d.join(c)
	}
	d.touched[c.Public] = e
	if c.Preshared != nil {
		e.Preshared = *c.Preshared
	}
	if c.Endpoint.IsValid() {
		e.Endpoint = c.Endpoint
	}
	if c.Keepalive != nil {
		e.Keepalive = *c.Keepalive
	}
	d.route(e, c)
	return d.cfg.CheckPeer(e.Peer, d.device.Public())
}

// join returns a peer that joins. When all are replaced, it may be one that was there before.
func (d *draft[M]) join(c PeerChange) *entry[M] {
	e := &entry[M]{Peer: settings.Peer{Public: c.Public}, prefixes: map[netip.Prefix]struct{}{}}
	old := d.peers[c.Public]
	stays := d.replaces && old != nil && old.Preshared == presharedOf(c)
	if stays {
		e.ID = old.ID
	}
	d.number(e)
	if stays {
		e.member = old.member
	} else {
		e.member = d.make(e.Peer)
	}
	return e
}

// presharedOf returns the preshared key of a peer that joins.
func presharedOf(c PeerChange) (key wireguard.PresharedKey) {
	if c.Preshared != nil {
		key = *c.Preshared
	}
	return key
}

// find returns a peer that may be changed, or nil.
func (d *draft[M]) find(public wireguard.PublicKey) *entry[M] {
	if e, touched := d.touched[public]; touched {
		return e
	}
	old := d.peers[public]
	if old == nil {
		return nil
	}
	e := *old
	e.prefixes = maps.Clone(old.prefixes)
	return &e
}

// route changes whose the prefixes are.
func (d *draft[M]) route(e *entry[M], c PeerChange) {
	if c.ReplacePrefixes {
		d.release(e)
	}
	for _, p := range c.Prefixes {
		if !p.Remove {
			d.routes = d.routes.InsertPersist(p.Prefix, e.member)
			e.prefixes[p.Prefix] = struct{}{}
			continue
		}
		d.take(e, p.Prefix)
	}
}

// release takes all prefixes away from a peer.
func (d *draft[M]) release(e *entry[M]) {
	for prefix := range e.prefixes {
		d.take(e, prefix)
	}
}

// take takes a prefix away from a peer, if it is the peer's.
func (d *draft[M]) take(e *entry[M], prefix netip.Prefix) {
	if m, found := d.routes.Get(prefix); found && m == e.member {
		d.routes = d.routes.DeletePersist(prefix)
	}
	delete(e.prefixes, prefix)
}

// commit makes the draft the roster. Peers leave first: one with the same key may join.
func (d *draft[M]) commit(now time.Time) error {
	for public, e := range d.touched {
		if old := d.peers[public]; old != nil && (e == nil || e.member != old.member) {
			d.device.RemovePeer(public)
			delete(d.peers, public)
			d.order = nil
		}
	}
	var err error
	for _, e := range d.touched {
		if e != nil {
			err = errors.Join(err, d.set(now, e))
		}
	}
	d.Roster.routes.Store(d.routes)
	return err
}
