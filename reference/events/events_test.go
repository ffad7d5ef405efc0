package events

import (
	"bytes"
	"fmt"
	"iter"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/reference/roster"
	"github.com/tunnelbench/tunnelbench/reference/stats"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// record returns a watcher and what it has written since the last call of lines.
func record() (w *Watcher, lines func() []string) {
	var out bytes.Buffer
	h := slog.NewTextHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})
	return NewWatcher(slog.New(h)), func() []string {
		defer out.Reset()
		return strings.FieldsFunc(out.String(), func(r rune) bool { return r == '\n' })
	}
}

// peers are what a tunnel shows of its peers.
func peers(all ...roster.Glance) iter.Seq[roster.Glance] { return slices.Values(all) }

// A million bad packets a second make a line a second for each kind, with their number.
func TestFloodIsALineASecond(t *testing.T) {
	t.Parallel()
	w, lines := record()
	s := stats.Stats{Handshakes: &wireguard.Tally{}}
	at := time.Unix(1000, 0)
	w.Look(at, s, peers())
	for second := range 3 {
		tally := *s.Handshakes
		s.Handshakes = &tally
		for range 1_000_000 {
			s.Decap.Drops[stats.DropSeal]++
			s.Decap.Drops[stats.DropReplay]++
			s.UnknownSource++
			tally.Received[1][wireguard.RefusedMAC]++
		}
		w.Look(at.Add(time.Duration(second+1)*Period), s, peers())
		want := []string{
			`level=WARN msg="packets dropped" direction=decap reason=replay count=1000000`,
			`level=WARN msg="packets dropped" direction=decap reason=seal count=1000000`,
			`level=WARN msg="messages from unknown sources dropped" count=1000000`,
			`level=WARN msg="handshake messages refused" reason=mac count=1000000`,
		}
		if diff := cmp.Diff(want, lines()); diff != "" {
			t.Error(diff)
		}
	}
	w.Look(at.Add(10*Period), s, peers())
	if got := lines(); len(got) != 0 {
		t.Errorf("after the flood: %q", got)
	}
}

func TestPeers(t *testing.T) {
	t.Parallel()
	w, lines := record()
	at := time.Unix(1000, 0)
	peer := roster.Glance{Public: wireguard.PublicKey{1, 2, 3}}
	var got []string
	look := func(p ...roster.Glance) {
		w.Look(at, stats.Stats{}, peers(p...))
		at = at.Add(Period)
		got = append(got, fmt.Sprintf("%q", lines()))
	}
	look()
	look(peer)
	peer.Endpoint, peer.LastHandshake = netip.MustParseAddrPort("192.0.2.1:1"), at
	look(peer)
	look(peer)
	peer.Endpoint = netip.MustParseAddrPort("192.0.2.9:2")
	look(peer)
	at = at.Add(3 * time.Minute)
	look(peer)
	peer.Unanswered++
	look(peer)
	look(peer)
	look()
	want := []string{
		`[]`,
		`["level=INFO msg=\"peer added\" peer=AQIDAAAA…"]`,
		`["level=INFO msg=\"peer up\" peer=AQIDAAAA… endpoint=192.0.2.1:1"]`,
		`[]`,
		`["level=INFO msg=\"peer moved\" peer=AQIDAAAA… from=192.0.2.1:1 to=192.0.2.9:2"]`,
		`["level=INFO msg=\"peer down: no handshake for 3 minutes\" peer=AQIDAAAA…"]`,
		`["level=WARN msg=\"handshake failed\" peer=AQIDAAAA… reason=\"no answer\" tries=19 for=1m35s endpoint=192.0.2.9:2"]`,
		`[]`,
		`["level=INFO msg=\"peer removed\" peer=AQIDAAAA…"]`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Ten thousand peers that come up at once are a few lines, and no line has a whole key.
func TestManyPeersAtOnce(t *testing.T) {
	t.Parallel()
	w, lines := record()
	at := time.Unix(1000, 0)
	w.Look(at, stats.Stats{}, peers())
	var all []roster.Glance
	for i := range 10_000 {
		all = append(all, roster.Glance{
			Public: wireguard.PublicKey{byte(i), byte(i >> 8), 1}, Sight: wireguard.Sight{Endpoint: netip.MustParseAddrPort("192.0.2.1:1"), LastHandshake: at},
		})
	}
	w.Look(at.Add(Period), stats.Stats{}, peers(all...))
	got := lines()
	if len(got) != mostPeers+1 || !strings.Contains(got[mostPeers], "count=19992") {
		t.Errorf("%d lines: %q", len(got), got)
	}
	if whole := all[0].Public.String(); strings.Contains(strings.Join(got, ""), whole) {
		t.Errorf("%s is in the log", whole)
	}
}
