package endfile

import (
	"context"
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/tunnelbench/tunnelbench/reference/settings"
)

// names is a resolver that knows one host name.
type names struct{}

func (names) LookupNetIP(_ context.Context, network, host string) ([]netip.Addr, error) {
	switch {
	case host != "far.example":
		return nil, errors.New("no such host")
	case network == "ip6":
		return []netip.Addr{netip.MustParseAddr("2001:db8::2")}, nil
	}
	return []netip.Addr{netip.MustParseAddr("::ffff:192.0.2.2")}, nil
}

func noSecrets(string) ([]byte, error) { return nil, errors.New("read without need") }

const goodFile = `# one end
listen: 192.0.2.1:4754
dev: tun0
mtu: 1400
engine: pool
cpus: [0, 1]
gro: false
peers:
  - id: 1
    endpoint: far.example:4754
    prefixes: [10.1.0.0/16, "2001:db8:1::/48"]
  - id: 2
    endpoint: 192.0.2.3:4754
    prefixes:
      - 10.2.0.0/16
`

func TestRead(t *testing.T) {
	got, err := Read(t.Context(), "end.yaml", []byte(goodFile), names{}, noSecrets)
	if err != nil {
		t.Fatal(err)
	}
	want := settings.Defaults(settings.TUN)
	want.Listen, want.Dev, want.MTU = netip.MustParseAddrPort("192.0.2.1:4754"), "tun0", 1400
	want.Engine, want.CPUs, want.GRO = settings.Pool, []int{0, 1}, false
	want.Peers = []settings.Peer{
		{ID: 1, Endpoint: netip.MustParseAddrPort("192.0.2.2:4754"), Prefixes: of("10.1.0.0/16", "2001:db8:1::/48")},
		{ID: 2, Endpoint: netip.MustParseAddrPort("192.0.2.3:4754"), Prefixes: of("10.2.0.0/16")},
	}
	if !reflect.DeepEqual(got.Config, want) {
		t.Errorf("read\n%+v\nwant\n%+v", got.Config, want)
	}
}

func TestReadSaysWhere(t *testing.T) {
	t.Parallel()
	cases := []struct{ from, to, want string }{
		{"mtu: 1400", "mtu: 99", "end.yaml:4: mtu: 99: want"},
		{"mtu: 1400", "mtu: many", "end.yaml:4: "},
		{"mtu: 1400", "mut: 1400", `end.yaml:4: unknown field "mut"`},
		{"mtu: 1400", "mtu: [", "end.yaml:"},
		{"mtu: 1400", "mtu: 1400\nmtu: 1400", "end.yaml:5: "},
		{"    endpoint: 192.0.2.3:4754", "    endpiont: x", `end.yaml:13: unknown field "endpiont"`},
		{"192.0.2.1:4754", "here", "end.yaml:2: listen"},
		{"listen: 192.0.2.1:4754\n", "", "end.yaml:1: listen"},
		{"dev: tun0", "dev: a/b", "end.yaml:3: dev"},
		{"far.example", "near.example", `end.yaml:10: peers[0].endpoint: "near.example" does not resolve`},
		{"far.example:4754", "far.example", "end.yaml:10: peers[0].endpoint"},
		{"far.example:4754", "far.example:70000", "end.yaml:10: peers[0].endpoint"},
		{"id: 2", "id: 1", "end.yaml:12: peers[1].id: 1 is already the id of peers[0].id"},
		{"id: 2", "id: 0", "end.yaml:12: peers[1].id"},
		{"id: 2", "id: -1", "end.yaml:12: "},
		{"10.2.0.0/16", "10.1.2.0/24", "end.yaml:15: peers[1].prefixes: 10.1.2.0/24 overlaps 10.1.0.0/16"},
		{"10.2.0.0/16", "10.2.0.0", "end.yaml:15: peers[1].prefixes"},
		{"    prefixes:\n      - 10.2.0.0/16\n", "", "end.yaml:12: peers[1].prefixes"},
		{"cpus: [0, 1]", "cpus: [-1]", "end.yaml:6: cpus"},
	}
	for _, c := range cases {
		t.Run(c.to, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(goodFile, c.from, c.to, 1)
			if text == goodFile {
				t.Fatalf("%q is not in the file", c.from)
			}
			_, err := Read(t.Context(), "end.yaml", []byte(text), names{}, noSecrets)
			if err == nil || !strings.HasPrefix(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%q: error %q, want one line that begins with %q", c.to, err, c.want)
			}
		})
	}
	for _, text := range []string{"", "- 1", "listen", "peers: 7", "\x00", "{{{"} {
		if _, err := Read(t.Context(), "end.yaml", []byte(text), names{}, noSecrets); err == nil || !strings.HasPrefix(err.Error(), "end.yaml:") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: error %q", text, err)
		}
	}
}

func of(prefixes ...string) (all []netip.Prefix) {
	for _, p := range prefixes {
		all = append(all, netip.MustParsePrefix(p))
	}
	return all
}
