package netns

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/tunnelbench/tunnelbench/internal/sys"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
)

func buildNet(t *testing.T, topology Topology) *Net {
	t.Helper()
	n, err := Build(t.Context(), topology, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// holdings counts everything in this process that can keep a namespace alive: file descriptors of
// namespaces, sockets, and threads in another namespace.
func holdings(t *testing.T) string {
	t.Helper()
	home := must[string](t)(os.Readlink("/proc/self/ns/net"))
	namespaces, sockets, strays := 0, 0, 0
	for _, path := range must[[]string](t)(filepath.Glob("/proc/self/fd/*")) {
		switch target, _ := os.Readlink(path); {
		case strings.HasPrefix(target, "net:["):
			namespaces++
		case strings.HasPrefix(target, "socket:["):
			sockets++
		}
	}
	for _, path := range must[[]string](t)(filepath.Glob("/proc/self/task/*/ns/net")) {
		if target, err := os.Readlink(path); err == nil && target != home {
			strays++
		}
	}
	return fmt.Sprintf("%d namespaces, %d sockets, %d strayed threads", namespaces, sockets, strays)
}

func TestBuildAndCloseLeaveNothing(t *testing.T) {
	testenv.NetAdmin(t)
	for _, topology := range []Topology{Wire(Plan{}), Dual(Plan{})} {
		before := holdings(t)
		n := must[*Net](t)(Build(t.Context(), topology, Options{}))
		if during := holdings(t); during == before {
			t.Fatalf("%s: nothing held while the network is there", topology.Name)
		}
		if err := n.Close(); err != nil {
			t.Error(err)
		}
		if after := holdings(t); after != before {
			t.Errorf("%s: before %s, after %s", topology.Name, before, after)
		}
	}
}

func TestBuildUndoesAFailure(t *testing.T) {
	testenv.NetAdmin(t)
	topology := Dual(Plan{})
	topology.Routes = []Route{{Node: Right, Dev: WAN, To: netip.MustParsePrefix("198.18.0.0/24"), Via: netip.MustParseAddr("203.0.113.1")}}
	before := holdings(t)
	n, err := Build(t.Context(), topology, Options{})
	if err == nil {
		n.Close()
		t.Fatal("a route by way of an unreachable gateway was accepted")
	}
	if !strings.Contains(err.Error(), "right: wan: route to 198.18.0.0/24") {
		t.Errorf("error does not name the place: %v", err)
	}
	if after := holdings(t); after != before {
		t.Errorf("before %s, after %s", before, after)
	}
}

// countdown is a context that ends after n calls of Err.
type countdown struct {
	context.Context
	n int
}

func (c *countdown) Err() error {
	if c.n--; c.n < 0 {
		return context.Canceled
	}
	return nil
}

func TestBuildUndoesAtCancel(t *testing.T) {
	testenv.NetAdmin(t)
	topology := Dual(Plan{})
	before := holdings(t)
	for steps := 0; ; steps++ {
		n, err := Build(&countdown{t.Context(), steps}, topology, Options{})
		if err == nil {
			n.Close()
			if steps < 10 {
				t.Errorf("only %d steps where a build can be cancelled", steps)
			}
			return
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("cancelled at step %d: %v", steps, err)
		}
		if after := holdings(t); after != before {
			t.Fatalf("cancelled at step %d: before %s, after %s", steps, before, after)
		}
	}
}

func TestKeepNamesNamespaces(t *testing.T) {
	testenv.NetAdmin(t)
	topology := Topology{Name: "kept", Nodes: []string{"test-kept"}}
	path := keepPath("test-kept")
	t.Cleanup(func() {
		if err := sys.UnbindNetNS(path); err != nil {
			t.Error(err)
		}
	})
	for range 2 { // the second Build replaces the first
		n := must[*Net](t)(Build(t.Context(), topology, Options{Keep: true}))
		inside := netnsInode(t, n.NS("test-kept"))
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
		kept := &NS{name: "kept", file: must[*os.File](t)(os.Open(path))}
		if named := netnsInode(t, kept); named != inside {
			t.Errorf("%s is %s, want %s", path, named, inside)
		}
		kept.Close()
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Build(ctx, topology, Options{Keep: true}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("a build that had not begun took an older name away: %v", err)
	}
	topology.Nodes = append(topology.Nodes, "test-kept-too")
	if _, err := Build(&countdown{t.Context(), 1}, topology, Options{Keep: true}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an unfinished network kept its name: %v", err)
	}
}

func netnsInode(t *testing.T, ns *NS) string {
	t.Helper()
	var inode string
	err := ns.Do(func() (err error) {
		inode, err = os.Readlink("/proc/thread-self/ns/net")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return inode
}

func TestOffloadsReadBack(t *testing.T) {
	testenv.NetAdmin(t)
	n := buildNet(t, Dual(Plan{}))
	frames := map[string][]string{
		"tester:port0": {gro}, "tester:port1": {gro},
		"left:lan": {gro}, "right:lan": {gro},
	}
	for name, want := range frames {
		node, dev, _ := strings.Cut(name, ":")
		if got := must[[]string](t)(n.NS(node).Offloads(dev)); !slices.Equal(got, want) {
			t.Errorf("%s: offloads %v, want %v", name, got, want)
		}
	}
	wan := must[[]string](t)(n.NS(Left).Offloads(WAN))
	for _, want := range []string{"tx-tcp-segmentation", "tx-udp-segmentation"} {
		if !slices.Contains(wan, want) {
			t.Errorf("left:wan: offloads %v, want %s as on a real NIC", wan, want)
		}
	}
	plain := buildNet(t, Dual(Plan{PlainWAN: true}))
	for _, node := range []string{Left, Right} {
		if got := must[[]string](t)(plain.NS(node).Offloads(WAN)); len(got) > 0 {
			t.Errorf("%s:wan without offloads has %v", node, got)
		}
	}
}

func TestRPSWritten(t *testing.T) {
	testenv.NetAdmin(t)
	allowed := must[[]int](t)(AllowedCPUs())
	last := allowed[len(allowed)-1:]
	n := buildNet(t, Dual(Plan{RPS: last}))
	for _, node := range []string{Left, Right} {
		for _, dev := range []string{LAN, WAN} {
			mask := must[string](t)(n.NS(node).ReadSysfs("class/net/" + dev + "/queues/rx-0/rps_cpus"))
			digits := strings.TrimLeft(strings.NewReplacer(",", "", "\n", "").Replace(mask), "0")
			if want := strings.TrimLeft(strings.ReplaceAll(cpuMask(last), ",", ""), "0"); digits != want {
				t.Errorf("%s:%s: rps_cpus %q, want the mask %s", node, dev, mask, want)
			}
		}
	}
	if mask := must[string](t)(n.NS(Tester).ReadSysfs("class/net/port0/queues/rx-0/rps_cpus")); strings.Trim(mask, "0,\n") != "" {
		t.Errorf("tester:port0: rps_cpus %q, want none", mask)
	}
}

func TestLinksAreAsPlanned(t *testing.T) {
	testenv.NetAdmin(t)
	topology := Dual(Plan{LANMTU: 1400, WANMTU: 1700})
	n := buildNet(t, topology)
	for _, l := range topology.Links {
		for _, e := range []End{l.A, l.B} {
			err := n.NS(e.Node).onLink(e.Name, "check", func(_ *netlink.Handle, link netlink.Link) error {
				a := link.Attrs()
				if a.MTU != l.MTU || a.NumTxQueues != 1 || a.NumRxQueues != 1 || a.HardwareAddr.String() != e.MAC.String() {
					t.Errorf("%s: mtu %d, queues %d and %d, mac %s", e.name(), a.MTU, a.NumTxQueues, a.NumRxQueues, a.HardwareAddr)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
			if up, err := n.NS(e.Node).IsUp(e.Name); err != nil || !up {
				t.Errorf("%s: up %t, %v", e.name(), up, err)
			}
		}
	}
	if up, err := n.NS(Left).IsUp("nosuch"); up || err != nil {
		t.Errorf("an interface that is not there: up %t, %v", up, err)
	}
}

func TestNamespacesAreQuiet(t *testing.T) {
	testenv.NetAdmin(t)
	n := buildNet(t, Dual(Plan{}))
	for key, want := range map[string]string{
		"net/ipv4/ip_forward":                 "1",
		"net/ipv4/conf/lan/rp_filter":         "0",
		"net/ipv6/conf/lan/disable_ipv6":      "0",
		"net/ipv6/conf/all/forwarding":        "1",
		"net/ipv6/conf/lan/forwarding":        "1",
		"net/ipv6/conf/wan/disable_ipv6":      "0",
		"net/ipv6/conf/wan/accept_ra":         "0",
		"net/ipv6/conf/wan/addr_gen_mode":     "1",
		"net/ipv6/conf/default/accept_dad":    "0",
		"net/ipv6/conf/default/autoconf":      "0",
		"net/ipv4/conf/wan/send_redirects":    "0",
		"net/ipv4/conf/all/arp_ignore":        "1",
		"net/ipv6/conf/wan/accept_dad":        "0",
		"net/ipv6/conf/default/addr_gen_mode": "1",
	} {
		if got := must[string](t)(n.NS(Left).Sysctl(key)); got != want {
			t.Errorf("left: %s is %s, want %s", key, got, want)
		}
	}
	for key, want := range map[string]string{"net/ipv4/ip_forward": "0", "net/ipv6/conf/all/forwarding": "0", "net/ipv6/conf/port0/disable_ipv6": "1"} {
		if got := must[string](t)(n.NS(Tester).Sysctl(key)); got != want {
			t.Errorf("tester: %s is %s, want %s", key, got, want)
		}
	}
	err := n.NS(Left).Netlink(func(h *netlink.Handle) error {
		routes, err := h.RouteList(nil, netlink.FAMILY_ALL)
		for _, r := range routes {
			if r.Dst == nil || r.Dst.IP.IsUnspecified() {
				t.Errorf("left has a default route: %v", r)
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// A link whose MTU is too small for IPv6 still carries IPv4.
func TestNarrowLinksDoWithoutIPv6(t *testing.T) {
	testenv.NetAdmin(t)
	n := buildNet(t, Dual(Plan{LANMTU: 600}))
	if len(n.Warnings) != 2 || !strings.Contains(n.Warnings[0], "left:lan: no address 2001:2::1/64") {
		t.Errorf("warnings %q, want one for each end of a lan that faces the device", n.Warnings)
	}
	if err := n.NS(Left).AddAddr(LAN, LeftLAN6); !errors.Is(err, errors.ErrUnsupported) || strings.Contains(err.Error(), "\n") {
		t.Errorf("an IPv6 address on it: %v, want one line that wraps %v", err, errors.ErrUnsupported)
	}
}

func TestDoLeavesNoThreadBehind(t *testing.T) {
	testenv.NetAdmin(t)
	ns := must[*NS](t)(New("a"))
	defer ns.Close()
	before := must[string](t)(os.Readlink("/proc/thread-self/ns/net"))
	fault := errors.New("fault")
	for range 50 {
		if err := ns.Do(func() error { return fault }); !errors.Is(err, fault) || !strings.HasPrefix(err.Error(), "a: ") {
			t.Fatalf("error %v, want fault with the namespace's name", err)
		}
	}
	if got := holdings(t); !strings.HasSuffix(got, " 0 strayed threads") {
		t.Error(got)
	}
	if after := must[string](t)(os.Readlink("/proc/thread-self/ns/net")); after != before {
		t.Errorf("the caller moved from %s to %s", before, after)
	}
	if inside := netnsInode(t, ns); inside == before {
		t.Error("Do did not enter the namespace")
	}
}
