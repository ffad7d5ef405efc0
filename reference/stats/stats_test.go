package stats

import (
	"strings"
	"testing"
)

// Of many peers, those that had packets have a line.
func TestPeersWithoutPacketsHaveNoLine(t *testing.T) {
	t.Parallel()
	s := Stats{Peers: make([]PeerStats, 65_536)}
	for i := range s.Peers {
		s.Peers[i].ID = uint32(i + 1)
	}
	s.Peers[6].SentPackets, s.Peers[6].SentOctets = 1, 33
	s.Peers[8].ReceivedPackets, s.Peers[8].ReceivedOctets, s.Peers[8].Restarts = 2, 60, 1
	_, got, _ := strings.Cut(s.String(), "unknown sources 0\n")
	const want = "peer 7 sent 1 packets 33 bytes received 0 packets 0 bytes\npeer 9 sent 0 packets 0 bytes received 2 packets 60 bytes restarts 1"
	if got != want {
		t.Errorf("got %.300q, want %q", got, want)
	}
}
