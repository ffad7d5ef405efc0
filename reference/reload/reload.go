// Package reload makes a running tunnel what its file says now.
//
//	SIGHUP ---------------+
//	                      +--> read the file --> same but for the peers? --> change them
//	reload at the socket -+
//
// Peers that stay keep their sessions and counters, and lose no packet. Whatever is wrong, nothing changes.
package reload

import (
	"context"
	"net/netip"
	"reflect"
	"sync"

	"github.com/tunnelbench/tunnelbench/reference/roster"
	"github.com/tunnelbench/tunnelbench/reference/settings"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// End is one end of a tunnel as a file has it.
type End struct {
	settings.Config
	At func(error) error // adds the line of the file to an error about a field
}

// Tunnel is a tunnel that runs.
type Tunnel interface {
	State() roster.State
	Change(roster.Change) error       // of a sealed tunnel
	SetPeers(p []settings.Peer) error // of a plain one
}

// Live is a tunnel and the file that it is as. Any goroutine may use it.
type Live struct {
	Tunnel
	read func(context.Context) (End, error)
	ctx  context.Context

	mu  sync.Mutex // one reload at a time; guards the following
	end End
}

// New returns a tunnel that runs as end says, which read has read. Reloads end with ctx.
func New(ctx context.Context, t Tunnel, end End, read func(context.Context) (End, error)) *Live {
	return &Live{Tunnel: t, read: read, ctx: ctx, end: end}
}

// Reload reads the file again and changes the peers. An error has one line, and says which line of the file is wrong.
func (l *Live) Reload() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	end, err := l.read(l.ctx)
	if err != nil {
		return err
	}
	if err := unchanged(l.end.Config, end.Config); err != nil {
		return end.At(err)
	}
	if end.Sealed() {
		err = l.Change(change(l.end.Peers, end.Peers, l.State().Peers))
	} else {
		err = l.SetPeers(end.Peers)
	}
	if err != nil {
		return end.At(err)
	}
	l.end = end
	return nil
}

// unchanged returns an error about the first field, other than the peers, that is not as it was.
func unchanged(old, now settings.Config) error {
	for _, f := range []struct {
		field    string
		old, now any
	}{
		{"private_key_file", old.Private, now.Private}, {"listen", old.Listen, now.Listen}, {"port", old.Port, now.Port}, {"dev", old.Dev, now.Dev},
		{"mtu", old.MTU, now.MTU}, {"control_socket", old.ControlSocket, now.ControlSocket}, {"engine", old.Engine, now.Engine}, {"workers", old.Workers, now.Workers},
		{"cpus", old.CPUs, now.CPUs}, {"gso", old.GSO, now.GSO}, {"gro", old.GRO, now.GRO}, {"offloads", old.Offloads, now.Offloads}, {"yield", old.Yield, now.Yield},
		{"pooling", old.Pooling, now.Pooling}, {"socket_buffer", old.SocketBuffer, now.SocketBuffer},
	} {
		switch {
		case reflect.DeepEqual(f.old, f.now):
		case f.field == "private_key_file" && old.Sealed() != now.Sealed():
			return settings.WrongField(f.field, "a sealed tunnel stays sealed, and a plain one plain, while it runs: start it again")
		case f.field == "private_key_file":
			return settings.WrongField(f.field, "the key is another one, and cannot change while the tunnel runs: start it again")
		default:
			return settings.WrongField(f.field, "%v cannot become %v while the tunnel runs: start it again", f.old, f.now)
		}
	}
	return nil
}

// change returns what makes the peers of a sealed tunnel, which has those of live, the ones of a file that had others
// before. Where a peer is, the tunnel knows better than a file that says what it said before.
func change(before, now []settings.Peer, live []roster.PeerState) roster.Change {
	said := make(map[wireguard.PublicKey]netip.AddrPort, len(before))
	for _, p := range before {
		said[p.Public] = p.Endpoint
	}
	known := make(map[wireguard.PublicKey]roster.PeerState, len(live))
	for _, p := range live {
		known[p.Public] = p
	}
	c := roster.Change{ReplacePeers: true, Peers: make([]roster.PeerChange, 0, len(now))}
	for _, p := range now {
		to := roster.PeerChange{Public: p.Public, Preshared: &p.Preshared, Keepalive: &p.Keepalive, Endpoint: p.Endpoint}
		for _, prefix := range p.Prefixes {
			to.Prefixes = append(to.Prefixes, roster.PrefixChange{Prefix: prefix})
		}
		if at := known[p.Public]; at.Endpoint.IsValid() && said[p.Public] == p.Endpoint {
			to.Endpoint = at.Endpoint
			if at.Preshared == p.Preshared {
				to.Endpoint = netip.AddrPort{} // as it is: it may move at this moment
			}
		}
		c.Peers = append(c.Peers, to)
	}
	return c
}
