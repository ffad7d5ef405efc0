package reference

import (
	"net/netip"
	"testing"

	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/reference/settings"
)

// A filter that does not forget a source keeps nobody from changing the peers: else the socket would know others than
// the table.
func TestFilterThatDoesNotForget(t *testing.T) {
	testenv.NetAdmin(t)
	cfg := settings.Defaults(settings.TUN)
	cfg.Listen, cfg.Peers = netip.MustParseAddrPort("127.0.0.1:0"), toRight()
	c, err := openUDP(cfg, newPeerTable(cfg, 1))
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	if c.filter == nil {
		t.Fatal("the kernel has no filter")
	}
	if err := c.filter.Close(); err != nil { // it forgets nothing now
		t.Fatal(err)
	}
	if err := c.filter.Remove(rightAddr); err == nil {
		t.Fatal("the filter forgets: the test is too weak")
	}
	if err := c.know(map[netip.AddrPort]*endpoint{}); err != nil {
		t.Errorf("no peers: %v", err)
	}
	if n := len(*c.endpoints.Load()); n != 0 {
		t.Errorf("%d sources are left", n)
	}
	if err := c.know(map[netip.AddrPort]*endpoint{spokeAddr: newEndpoint(spokeAddr)}); err == nil {
		t.Error("a source that the filter does not take is taken")
	}
	if n := len(*c.endpoints.Load()); n != 0 {
		t.Errorf("%d sources after an error", n)
	}
}
