package wireguard_test

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// inBubble runs a test on a virtual clock.
func inBubble(t *testing.T, name string, test func(t *testing.T)) {
	t.Run(name, func(t *testing.T) { synctest.Test(t, test) })
}

// begin makes a session: one end sends its first packet.
func (p *pair) begin(t *testing.T, ours bool) {
	t.Helper()
	first := ip(28, 1<<20)
	if ours {
		p.ours.transmit(first)
	} else {
		p.theirs.tun.Outbound <- first
	}
	synctest.Wait()
	if toThem, toUs := p.arrived([][]byte{first}); toThem+toUs != 1 {
		t.Fatalf("the first packet: %d to them, %d to us; ours %+v", toThem, toUs, p.ours.device.Tally())
	}
}

// Both roles, with and without a preshared key: every length arrives both ways.
func TestInteropSizes(t *testing.T) {
	psk := wireguard.PresharedKey{9, 8, 7}
	for name, c := range map[string]struct {
		ours bool
		psk  wireguard.PresharedKey
	}{"we call": {ours: true}, "they call": {}, "we call, preshared": {true, psk}, "they call, preshared": {false, psk}} {
		inBubble(t, name, func(t *testing.T) {
			p := join(t, func(cfg *wireguard.PeerConfig) { cfg.Preshared = c.psk }, "preshared_key="+hex.EncodeToString(c.psk[:])+"\n")
			p.begin(t, c.ours)
			var packets [][]byte
			for n := 20; n <= 1420; n += 7 {
				packets = append(packets, ip(n, n))
			}
			if toThem, toUs := p.both(packets); toThem != len(packets) || toUs != len(packets) {
				t.Errorf("%d to them and %d to us of %d", toThem, toUs, len(packets))
			}
		})
	}
}

// Another preshared key at the other end: silence.
func TestInteropOtherPresharedKey(t *testing.T) {
	for name, ours := range map[string]bool{"we call": true, "they call": false} {
		inBubble(t, name, func(t *testing.T) {
			p := join(t, func(cfg *wireguard.PeerConfig) { cfg.Preshared[0] = 1 })
			packet := ip(40, 1)
			if ours {
				p.ours.transmit(packet)
			} else {
				p.theirs.tun.Outbound <- packet
			}
			time.Sleep(20 * time.Second)
			if toThem, toUs := p.arrived([][]byte{packet}); toThem+toUs != 0 {
				t.Errorf("%d and %d packets", toThem, toUs)
			}
		})
	}
}

// Under load a session is renewed without the loss of a packet, whoever began it.
func TestInteropRekey(t *testing.T) {
	for name, ours := range map[string]bool{"ours": true, "theirs": false} {
		inBubble(t, name, func(t *testing.T) {
			p := join(t, nil)
			p.begin(t, ours)
			sent := 0
			for ; sent < 2600; sent++ { // 260 s
				p.ours.transmit(ip(60, sent))
				p.theirs.tun.Outbound <- ip(60, sent)
				time.Sleep(100 * time.Millisecond)
			}
			synctest.Wait()
			var all [][]byte
			for i := range sent {
				all = append(all, ip(60, i))
			}
			tally := p.ours.device.Tally()
			if toThem, toUs := p.arrived(all); toThem != sent || toUs != sent {
				t.Errorf("%d to them and %d to us of %d; %+v", toThem, toUs, sent, tally)
			}
			if tally.Handshakes < 3 || tally.Handshakes > 4 || (tally.Initiations > 0) != ours {
				t.Errorf("%+v: want 3 handshakes or one more, all begun by one end", tally)
			}
		})
	}
}

// Both begin at the same moment, and the messages cross: no response fits, and the repetitions, each after 5 s and up to a
// third of a second, make a session. Without a delay wireguard-go would handle our initiation and our response to its own at
// the same time, and may then keep the session under an index that we do not know: ConsumeMessageResponse does not look again
// at the state of a handshake that CreateMessageResponse changed meanwhile (2026-05-22). It takes 15 s to notice.
func TestInteropBothBegin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		w.delay = time.Millisecond
		p := joinBy(t, w, nil)
		p.ours.transmit(ip(40, 1))
		p.theirs.tun.Outbound <- ip(40, 2)
		time.Sleep(27 * time.Second) // five repetitions: some may cross again
		packets := [][]byte{ip(40, 3), ip(40, 4)}
		p.both(packets)
		time.Sleep(2 * w.delay)
		if toThem, toUs := p.arrived(packets); toThem != 2 || toUs != 2 {
			t.Errorf("%d and %d of 2 packets; %+v", toThem, toUs, p.ours.device.Tally())
		}
	})
}

// Reordered, doubled and lost messages: each packet at most once.
func TestInteropBadPath(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := join(t, nil)
		p.begin(t, true)
		n := 0
		p.wire.mu.Lock()
		p.wire.lose = func(m []byte, ours bool) bool { n++; return n%10 == 0 }
		p.wire.mu.Unlock()
		var packets [][]byte
		for i := range 1000 {
			packets = append(packets, ip(60, i))
		}
		toThem, toUs := p.both(packets)
		if toThem+toUs < 1700 || toThem > 1000 || toUs > 1000 {
			t.Errorf("%d and %d of 1000 packets", toThem, toUs)
		}
		p.ours.mu.Lock()
		defer p.ours.mu.Unlock()
		for packet, times := range p.ours.got {
			if times > 1 {
				t.Errorf("packet %x came %d times", packet[4:8], times)
			}
		}
	})
}

// An end that moves is followed, to another port, another address and another family.
func TestInteropRoam(t *testing.T) {
	for _, to := range []string{"192.0.2.1:9", "198.51.100.7:51820", "[2001:db8::7]:51820"} {
		at := netip.MustParseAddrPort(to)
		inBubble(t, "we move to "+to, func(t *testing.T) {
			p := join(t, nil)
			p.begin(t, true)
			p.ours.do <- func() { p.ours.at = at }
			if toThem, toUs := p.both([][]byte{ip(40, 1)}); toThem != 1 || toUs != 1 {
				t.Errorf("%d and %d packets", toThem, toUs)
			}
		})
		inBubble(t, "they move to "+to, func(t *testing.T) {
			p := join(t, nil)
			p.begin(t, true)
			p.wire.mu.Lock()
			p.wire.theirs = at
			p.wire.mu.Unlock()
			p.theirs.tun.Outbound <- ip(40, 2)
			synctest.Wait()
			if got := p.ours.device.States(time.Now())[0].Endpoint; got != at {
				t.Errorf("their endpoint is %v", got)
			}
		})
	}
}

// An end that restarts is heard again.
func TestInteropRestart(t *testing.T) {
	inBubble(t, "ours", func(t *testing.T) {
		p := join(t, nil)
		p.begin(t, true)
		time.Sleep(time.Minute)
		p.ours.end()
		p.ours.start(wireguard.PeerConfig{Public: p.theirs.key.Public(), Endpoint: theirAddress})
		p.ours.transmit(ip(40, 1))
		synctest.Wait()
		if toThem, toUs := p.both([][]byte{ip(40, 2)}); toThem != 1 || toUs != 1 {
			t.Errorf("%d and %d packets", toThem, toUs)
		}
	})
	inBubble(t, "theirs", func(t *testing.T) {
		p := join(t, nil)
		p.begin(t, true)
		time.Sleep(time.Minute)
		p.theirs.device.Close()
		p.startTheirs(t)
		p.theirs.tun.Outbound <- ip(40, 1)
		synctest.Wait()
		if toThem, toUs := p.both([][]byte{ip(40, 2)}); toThem != 1 || toUs != 1 {
			t.Errorf("%d and %d packets", toThem, toUs)
		}
	})
}

// A changed preshared key is used from the next handshake on; the session goes on.
func TestInteropPresharedKeyChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := join(t, nil)
		p.begin(t, true)
		psk := wireguard.PresharedKey{5}
		public := p.ours.private.Public()
		if _, err := p.ours.device.SetPeer(time.Now(), wireguard.PeerConfig{Public: p.theirs.key.Public(), Preshared: psk}); err != nil {
			t.Fatal(err)
		}
		if err := p.theirs.device.IpcSet("public_key=" + hex.EncodeToString(public[:]) + "\npreshared_key=" + hex.EncodeToString(psk[:]) + "\n"); err != nil {
			t.Fatal(err)
		}
		for i := range 150 { // beyond a new handshake
			if toThem, toUs := p.both([][]byte{ip(40, i)}); toThem != 1 || toUs != 1 {
				t.Fatalf("after %d s: %d and %d packets", i, toThem, toUs)
			}
			time.Sleep(time.Second)
		}
		if tally := p.ours.device.Tally(); tally.Handshakes != 2 {
			t.Errorf("%+v", tally)
		}
	})
}

// Under load we send cookies, and they come back with them.
func TestInteropCookieOfOurs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := join(t, nil)
		p.ours.do <- func() { p.ours.busy = true }
		p.theirs.tun.Outbound <- ip(40, 1)
		synctest.Wait()
		if tally := p.ours.device.Tally(); tally.Cookies != 1 || tally.Handshakes != 0 {
			t.Fatalf("%+v", tally)
		}
		time.Sleep(6 * time.Second)
		if _, toUs := p.arrived([][]byte{ip(40, 1)}); toUs != 1 {
			t.Errorf("with a cookie: %d packets; %+v", toUs, p.ours.device.Tally())
		}
	})
}

// A flooded peer sends a cookie, and takes the handshake that comes with it.
func TestInteropCookieOfTheirs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := join(t, nil)
		var first []byte
		cookies := 0
		p.wire.mu.Lock()
		p.wire.lose = func(m []byte, ours bool) bool {
			if ours && first == nil {
				first = bytes.Clone(m)
				return true
			}
			if !ours && len(m) == wireguard.CookieReplyLen {
				cookies++
			}
			return false
		}
		p.wire.mu.Unlock()
		p.ours.transmit(ip(40, 1))
		synctest.Wait()
		for range 5000 {
			p.wire.toThem <- datagram{first, ourAddress, time.Now()}
		}
		synctest.Wait()
		if cookies == 0 {
			t.Fatal("no cookie")
		}
		// wireguard-go's routines may take two copies of the initiation at once: the session of the first is then lost with what we sent
		// in it, and we make another after 15 s.
		time.Sleep(20 * time.Second)
		p.ours.transmit(ip(40, 2))
		time.Sleep(time.Second)
		if toThem, _ := p.arrived([][]byte{ip(40, 2)}); toThem != 1 {
			t.Errorf("%d packets; %+v", toThem, p.ours.device.Tally())
		}
	})
}

// Persistent keepalives of either end are understood by the other, and answered by neither.
func TestInteropKeepalive(t *testing.T) {
	for name, c := range map[string]struct {
		ours         time.Duration
		theirs       string
		byUs, byThem int
	}{
		"ours":   {25 * time.Second, "", 5, 0}, // the first confirms the session
		"theirs": {0, "persistent_keepalive_interval=20\n", 0, 6},
	} {
		inBubble(t, name, func(t *testing.T) {
			ours, theirs := 0, 0
			w := newWire()
			w.lose = func(m []byte, byUs bool) bool { // from the start: the ends do not wait for the test
				if len(m) == wireguard.MinDataLen && byUs {
					ours++
				} else if len(m) == wireguard.MinDataLen {
					theirs++
				}
				return false
			}
			joinBy(t, w, func(cfg *wireguard.PeerConfig) { cfg.Keepalive = c.ours }, c.theirs)
			time.Sleep(100*time.Second + time.Millisecond)
			synctest.Wait()
			if ours != c.byUs || theirs != c.byThem {
				t.Errorf("%d keepalives of ours, %d of theirs, want %d and %d", ours, theirs, c.byUs, c.byThem)
			}
		})
	}
}
