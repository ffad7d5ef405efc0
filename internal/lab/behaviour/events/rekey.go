package events

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/behaviour/probe"
	"github.com/tunnelbench/tunnelbench/netns"
	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reports/behaviour"
)

// Rekey watches the packets around the moment at which the ends agree on new keys. It can only see WireGuard's handshakes,
// which come after 120 s (Rekey-After-Time, section 6.1 of WireGuard's paper).
func Rekey(ctx context.Context, b *Bench) (f behaviour.Finding, err error) {
	if b.Device.Kind != dut.Sealed {
		return f, lab.UnsupportedError(b.Device.Spec + " seals nothing, so it has no keys to renew")
	}
	r, moments, err := b.rekey(ctx)
	if err != nil {
		return f, err
	}
	if len(moments) == 0 {
		return f, lab.UnsupportedError(fmt.Sprintf("no handshake of WireGuard was seen on the wan within %v, and those of others cannot be told from outside", b.Times.Rekey))
	}
	renewed(&f, r, moments)
	f.Verdict = behaviour.None
	return f, nil
}

// rekey returns what became of a stream, and the moments at which one of the ends began a handshake.
func (b *Bench) rekey(ctx context.Context) (r probe.Result, moments []time.Duration, err error) {
	s, err := b.open(ctx, nil)
	if err != nil {
		return r, nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := rest(ctx, settle); err != nil { // for the handshake of the bring-up
		return r, nil, err
	}
	watches, err := s.watch()
	if err != nil {
		return r, nil, err
	}
	stream, err := s.stream(b.Times.Rekey)
	if err == nil {
		err = rest(ctx, b.Times.Rekey)
		var stopped error
		r, stopped = stream.Stop(drain)
		err = errors.Join(err, stopped)
	}
	for _, w := range watches {
		seen, stopped := w.Stop()
		err = errors.Join(err, stopped)
		if stream == nil {
			continue
		}
		for _, at := range seen.Initiation {
			moments = append(moments, stream.At(at))
		}
	}
	return r, moments, err
}

// watch watches both ends of the wan link.
func (s *stand) watch() (watches []*probe.Watch, err error) {
	for _, node := range []string{netns.Left, netns.Right} {
		w, err := probe.StartWatch(s.Net().NS(node), netns.WAN)
		if err != nil {
			for _, w := range watches {
				_, stopped := w.Stop()
				err = errors.Join(err, stopped)
			}
			return nil, err
		}
		watches = append(watches, w)
	}
	return watches, nil
}

// around is the time before and after a handshake that counts as around it.
const around = time.Second

// renewed adds what the packets around handshakes met, and what all others did.
func renewed(f *behaviour.Finding, r probe.Result, moments []time.Duration) {
	f.Measured("handshakes", "handshakes", float64(len(moments)), 1)
	for _, d := range directions(r) {
		near, far := d.series.Split(moments, around)
		f.Measured(d.name+"-around-lost", "packets", float64(near.Lost()), len(near))
		f.Measured(d.name+"-else-lost", "packets", float64(far.Lost()), len(far))
		tellDelays(f, d.name+"-around", near)
		tellDelays(f, d.name+"-else", far)
	}
}
