package uapi

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/reference/roster"
	"github.com/tunnelbench/tunnelbench/reference/settings"
)

// table is a tunnel that notes changes.
type table struct {
	state   roster.State
	got     []roster.Change
	reloads int
	err     error
}

func (t *table) State() roster.State { return t.state }

func (t *table) Change(c roster.Change) error {
	t.got = append(t.got, c)
	return t.err
}

func (t *table) Reload() error {
	t.reloads++
	return t.err
}

func newTable() *table {
	return &table{state: roster.State{Private: private, Port: 51820, Peers: []roster.PeerState{
		{Peer: settings.Peer{Public: far, Preshared: preshared, Keepalive: 25 * time.Second, Endpoint: netip.MustParseAddrPort("[2001:db8::1]:7"),
			Prefixes: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::/0")}}, LastHandshake: time.Unix(1e9, 5), Sent: 6, Received: 7},
		{Peer: settings.Peer{Public: third}},
	}}}
}

func TestAnswer(t *testing.T) {
	t.Parallel()
	all := "private_key=" + hexOf(private) + "\nlisten_port=51820\n" +
		"public_key=" + hexOf(far) + "\npreshared_key=" + hexOf(preshared) + "\nprotocol_version=1\nendpoint=[2001:db8::1]:7\n" +
		"last_handshake_time_sec=1000000000\nlast_handshake_time_nsec=5\ntx_bytes=6\nrx_bytes=7\npersistent_keepalive_interval=25\nallowed_ip=10.0.0.0/8\nallowed_ip=::/0\n" +
		"public_key=" + hexOf(third) + "\npreshared_key=" + strings.Repeat("0", 64) + "\nprotocol_version=1\n" +
		"last_handshake_time_sec=0\nlast_handshake_time_nsec=0\ntx_bytes=0\nrx_bytes=0\npersistent_keepalive_interval=0\n"
	refusal := errors.New("a bad peer")
	for _, c := range []struct {
		name, text, want string
		refuses          error
		changed          bool
	}{
		{"read", "get=1\n", all + "errno=0\n\n", nil, false},
		{"what is already so", "set=1\nprivate_key=" + hexOf(private) + "\nlisten_port=51820\nfwmark=0\n", "errno=0\n\n", nil, true},
		{"any port", "set=1\nlisten_port=0\n", "errno=0\n\n", nil, true},
		{"another key", "set=1\nprivate_key=" + hexOf(far) + "\n", "errno=-95\n\n", nil, false},
		{"another port", "set=1\nlisten_port=1\n", "errno=-95\n\n", nil, false},
		{"a mark", "set=1\nfwmark=1\n", "errno=-95\n\n", nil, false},
		{"what nobody can read", "set=1\nx\n", "errno=-22\n\n", nil, false},
		{"what the tunnel refuses", "set=1\n", "errno=-22\n\n", refusal, true},
		{"too many", "set=1\n", "errno=-28\n\n", roster.ErrTooMany, true},
		{"a plain tunnel", "set=1\n", "errno=-95\n\n", errors.ErrUnsupported, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			tunnel := newTable()
			tunnel.err = c.refuses
			got, err := Answer(tunnel, c.text)
			if diff := cmp.Diff(c.want, string(got)); diff != "" {
				t.Errorf("%v: %s", err, diff)
			}
			if (err == nil) != strings.HasSuffix(c.want, "errno=0\n\n") || (len(tunnel.got) > 0) != c.changed {
				t.Errorf("error %v, changes %v", err, tunnel.got)
			}
		})
	}
}

// What is written can be read, as wg setconf does with what wg showconf has printed.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for line := range strings.Lines(string(Append([]byte("set=1\n"), newTable().state))) {
		if name, _, _ := strings.Cut(line, "="); !strings.HasPrefix(name, "last_") && !strings.HasSuffix(name, "_bytes") {
			text.WriteString(line)
		}
	}
	r, err := Parse(text.String())
	if err != nil || len(r.Peers) != 2 || len(r.Peers[0].Prefixes) != 2 || *r.Peers[0].Keepalive != 25*time.Second || *r.Port != 51820 {
		t.Errorf("%+v, %v", r, err)
	}
}
