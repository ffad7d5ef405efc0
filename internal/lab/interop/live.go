package interop

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tunnelbench/tunnelbench/netns/dut"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// quiet is the time for which packets must not pass.
const quiet = time.Second

// checkPSKChanged gives the left end the right one's preshared key while both run.
func checkPSKChanged(ctx context.Context, t *tester, p pair) error {
	theirs := wireguard.PresharedKey{2}
	return t.with(ctx, p, layout{road: true, shared: [2]wireguard.PresharedKey{{1}, theirs}}, func(s *stand) error {
		if err := s.silent(ctx, left); err != nil {
			return err
		}
		if err := s.session.SetPeer(sideNames[left], dut.WireGuard{Preshared: theirs, Endpoint: mouths[left]}); err != nil {
			return fmt.Errorf("change the preshared key of the left end: %w", err)
		}
		return s.establish(ctx, left)
	})
}

// checkPeerRemoved takes the left end's key away from the right one, and gives it back.
func checkPeerRemoved(ctx context.Context, t *tester, p pair) error {
	return t.with(ctx, p, layout{road: true}, func(s *stand) error {
		if err := s.establish(ctx, left); err != nil {
			return err
		}
		if err := s.session.RemovePeer(sideNames[right]); err != nil {
			return fmt.Errorf("remove the peer of the right end: %w", err)
		}
		if err := errors.Join(s.silent(ctx, left), s.silent(ctx, right)); err != nil {
			return fmt.Errorf("without a peer: %w", err)
		}
		if err := s.session.SetPeer(sideNames[right], dut.WireGuard{Endpoint: mouths[right]}); err != nil {
			return fmt.Errorf("add the peer of the right end: %w", err)
		}
		return s.establish(ctx, right)
	})
}

// silent returns an error if packets of a side pass.
func (s *stand) silent(ctx context.Context, from int) error {
	err := reach(ctx, s.hosts[from], s.hosts[1-from], quiet)
	switch {
	case err == nil:
		return fmt.Errorf("a packet passed from the %s end", sideNames[from])
	case errors.As(err, new(testerError)):
		return err
	}
	return context.Cause(ctx)
}
