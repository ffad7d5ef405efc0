package wireguard

import (
	"bytes"
	"net/netip"
	"testing"
	"time"
)

// What no peer made is answered with silence, and disturbs no handshake.
func TestForgeries(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, nil)
	var first, second []byte
	n.lose = func(s Send, from *host) bool {
		if from == n.left {
			first = s.Datagram
			return false
		}
		second = s.Datagram
		return true
	}
	n.send(n.left, numbered(1))
	if second == nil {
		t.Fatal("no answer")
	}
	for _, forged := range [][]byte{
		mutate(second, func(m []byte) { clear(m[12:44]) }),     // an ephemeral key of low order
		mutate(second, func(m []byte) { m[12], m[13] = 1, 0 }), // another key
		mutate(second, func(m []byte) { m[50] ^= 1 }),          // a wrong tag
		mutate(second, func(m []byte) { m[8] ^= 1 }),           // another receiver
	} {
		keys := newMACKeys(n.left.private.Public())
		var j jar
		j.sign(n.now, &keys, forged)
		if sends, refusal := n.left.device.Handshake(n.now, forged, right, false); len(sends) > 0 || refusal == Accepted {
			t.Errorf("%x: answered %v, %v", forged[:16], sends, refusal)
		}
	}
	for _, reflected := range [][]byte{first, second} {
		n.left.device.Handshake(n.now, first, right, false)
		if sends, refusal := n.right.device.Handshake(n.now, second, left, false); len(sends) > 0 || refusal == Accepted {
			t.Errorf("%x: its own message was answered", reflected[:8])
		}
	}
	if sends, refusal := n.right.device.Handshake(n.now, first, left, false); refusal != RefusedReplay || len(sends) > 0 {
		t.Errorf("a replayed initiation: %v, %d messages", refusal, len(sends))
	}
	if sends, refusal := n.left.device.Handshake(n.now, second, right, false); refusal != Accepted || len(sends) != 1 {
		t.Errorf("the genuine answer: %v, %d messages", refusal, len(sends))
	}
}

func mutate(message []byte, change func([]byte)) []byte {
	m := bytes.Clone(message)
	change(m)
	return m
}

// Under load a stranger's address has to answer before anything is computed for it.
func TestCookies(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, nil)
	n.left.device.Reserve(n.now, n.left.peer, 1)
	call := func() []byte {
		t.Helper()
		sends := n.left.device.Tick(n.now)
		if len(sends) != 1 {
			t.Fatalf("%d messages", len(sends))
		}
		return sends[0].Datagram
	}
	first := call()
	sends, refusal := n.right.device.Handshake(n.now, first, left, true)
	if refusal != RefusedCookie || len(sends) != 1 || len(sends[0].Datagram) != CookieReplyLen || sends[0].To != left {
		t.Fatalf("%v, %v", refusal, sends)
	}
	if _, refusal := n.left.device.Handshake(n.now, sends[0].Datagram, right, false); refusal != Accepted {
		t.Fatalf("the cookie: %v", refusal)
	}
	if _, refusal := n.left.device.Handshake(n.now, sends[0].Datagram, right, false); refusal == Accepted {
		t.Error("the cookie was taken twice")
	}
	n.now = n.now.Add(6 * time.Second)
	second := call()
	for name, from := range map[string]netip.AddrPort{
		"another port":    netip.AddrPortFrom(left.Addr(), left.Port()+1),
		"another address": netip.AddrPortFrom(right.Addr(), left.Port()),
	} {
		if _, refusal := n.right.device.Handshake(n.now, second, from, true); refusal != RefusedCookie {
			t.Errorf("from %s: %v", name, refusal)
		}
	}
	if sends, refusal := n.right.device.Handshake(n.now, second, left, true); refusal != Accepted || len(sends) != 1 {
		t.Errorf("with its cookie: %v", refusal)
	}
	n.now = n.now.Add(3 * cookieSecretAge)
	if _, refusal := n.right.device.Handshake(n.now, second, left, true); refusal != RefusedCookie {
		t.Errorf("two secrets later: %v", refusal)
	}
}

// A source that has its cookie is still held to a rate.
func TestRateOfHandshakes(t *testing.T) {
	t.Parallel()
	var l limiter
	if err := l.init(newSeeded(1)); err != nil {
		t.Fatal(err)
	}
	now, passed := time.Unix(0, 0), 0
	for i := range 1000 { // one each millisecond
		if l.allow(now.Add(time.Duration(i)*time.Millisecond), left.Addr(), handshakes) {
			passed++
		}
	}
	if float64(passed) < handshakes.perSecond || float64(passed) > handshakes.perSecond+handshakes.burst {
		t.Errorf("%d of 1000 in a second, want %v and a burst of %v", passed, handshakes.perSecond, handshakes.burst)
	}
	network := netip.MustParseAddr("2001:db8::1")
	for l.allow(now, network, handshakes) {
	}
	if l.allow(now, netip.MustParseAddr("2001:db8::2"), handshakes) {
		t.Error("another address of the same IPv6 network has a rate of its own")
	}
}

// A cookie is taken for four minutes at most, whenever the secret after it was made.
func TestCookieAge(t *testing.T) {
	t.Parallel()
	keys := newMACKeys(PublicKey{1})
	message := make([]byte, InitiationLen)
	start := time.Unix(1e9, 0)
	for _, renewed := range []time.Duration{0, 119 * time.Second, 121 * time.Second, 239 * time.Second} {
		c := cookieChecker{random: newSeeded(1)}
		if _, err := c.reply(start, &keys, message, left); err != nil {
			t.Fatal(err)
		}
		key := cookieOf(&c.now.bytes, left)
		mac2 := keyedHash(key[:], beforeMAC2(message))
		signed := append(bytes.Clone(beforeMAC2(message)), mac2[:]...)
		if _, err := c.reply(start.Add(renewed), &keys, message, left); err != nil {
			t.Fatal(err)
		}
		for age, want := range map[time.Duration]bool{239 * time.Second: true, 240 * time.Second: false} {
			if got := c.holds(start.Add(age), signed, left); got != want {
				t.Errorf("another reply after %v: a cookie of %v is taken: %v, want %v", renewed, age, got, want)
			}
		}
	}
}

// A flood from one address gets few cookies, and takes none from others.
func TestRateOfCookies(t *testing.T) {
	t.Parallel()
	n := newNetwork(t, nil)
	n.left.device.Reserve(n.now, n.left.peer, 1)
	call := n.left.device.Tick(n.now)[0].Datagram
	flooding, other, cookies := netip.MustParseAddrPort("203.0.113.1:9"), netip.MustParseAddrPort("203.0.113.2:9"), 0
	for i := range 50000 { // in a second
		if sends, _ := n.right.device.Handshake(n.now.Add(time.Duration(i)*20*time.Microsecond), call, flooding, true); len(sends) > 0 {
			cookies++
		}
	}
	if most := answers.perSecond + answers.burst + 1; float64(cookies) > most || float64(cookies) < answers.perSecond {
		t.Errorf("%d cookies in a second, want %v", cookies, most)
	}
	if sends, _ := n.right.device.Handshake(n.now.Add(time.Second), call, other, true); len(sends) != 1 {
		t.Errorf("another address got %d cookies", len(sends))
	}
}
