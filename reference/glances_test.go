package reference

import (
	"sync"
	"testing"

	"github.com/tunnelbench/tunnelbench/reference/roster"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// Readers may look at the peers while these come, go and talk.
func TestGlancesBesideChanges(t *testing.T) {
	p := newSealedPair(t)
	stop, done := make(chan struct{}), sync.WaitGroup{}
	done.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			first := true
			for g := range p.right.tunnel.Glances() {
				if first && g.Public != p.leftKey.Public() {
					t.Errorf("the first to join is %v", g.Public)
				}
				first = false
			}
			p.right.tunnel.Totals()
		}
	})
	for i := range 200 {
		c := roster.PeerChange{Public: wireguard.PrivateKey{5, byte(i % 7)}.Public(), Remove: i%3 == 2}
		if err := p.right.Change(roster.Change{Peers: []roster.PeerChange{c}}); err != nil {
			t.Error(err)
		}
		p.left.Encap(packetBetween(behindLeft, behindRight, 60))
		p.settle()
	}
	close(stop)
	done.Wait()
}
