package main

// More files of the sealed tunnel, and of what is under it.
const (
	timersFile  = "reference/wireguard/timers.go"
	messageFile = "reference/wireguard/message.go"
	limiterFile = "reference/wireguard/limiter.go"
	stagedFile  = "reference/wireguard/staged.go"
	udpFile     = "reference/udp_linux.go"
	socketFile  = "internal/sys/udp_linux.go"
)

// Packages whose tests find bugs.
const (
	wireguardTests = "reference/wireguard"
	referenceTests = "reference"
)

// shippedBugs are those that implementations of WireGuard have shipped, by class, as far as sealedBugs has none.
var shippedBugs = []bug{
	// Nonce reuse.
	{"wg-counter-32", "nonce reuse", test(wireguardTests, "TestCounterIsWide"), "counters wrap at 2^32, as on a 32-bit machine",
		[]edit{{leavingFile, "	first := k.counter\n", "	if planted.Is(\"wg-counter-32\") {\n		k.counter = uint64(uint32(k.counter))\n	}\n	first := k.counter\n"}}},
	{"wg-no-last", "nonce reuse", test(wireguardTests, "TestLimits"), "a session sends beyond its last counter",
		[]edit{{leavingFile, "|| k.counter > rejectAfterMessages-uint64(n) {", `|| k.counter > rejectAfterMessages-uint64(n) && !planted.Is("wg-no-last") {`},
			{keypairFile, "&& k.counter < rejectAfterMessages\n", "&& (k.counter < rejectAfterMessages || planted.Is(\"wg-no-last\"))\n"}}},

	// Cookies.
	{"wg-cookie-no-port", "cookie", test(wireguardTests, "TestCookies"), "a cookie is for an address, whatever the port",
		[]edit{{macFile, "	return keyedHash(secret[:], binary.LittleEndian.AppendUint16(ip, from.Port()))", "	if planted.Is(\"wg-cookie-no-port\") {\n		return keyedHash(secret[:], ip)\n	}\n	return keyedHash(secret[:], binary.LittleEndian.AppendUint16(ip, from.Port()))"}}},
	{"wg-cookie-always", "cookie", test(wireguardTests, "TestNoCookieWithoutLoad"), "after a hundred handshakes each further one needs a cookie",
		[]edit{{handshakeFile, "	case !now.Before(d.loaded):\n", "	case !now.Before(d.loaded) && !(planted.Is(\"wg-cookie-always\") && d.tally.Responses >= 100):\n"}}},
	{"wg-cookie-astray", "cookie", test(wireguardTests, "TestCookies"), "a cookie is sent to nobody, because its source is not handed on",
		[]edit{{handshakeFile, "	reply, err := d.cookies.reply(", "	if planted.Is(\"wg-cookie-astray\") {\n		from = netip.AddrPort{}\n	}\n	reply, err := d.cookies.reply("}}},
	{"wg-cookie-stays", "cookie", test(wireguardTests, "TestCookies"), "a cookie is taken when its secret is long gone",
		[]edit{{macFile, "		if !secret.younger(now, 2*cookieSecretAge) {", `		if !secret.younger(now, 2*cookieSecretAge) && !planted.Is("wg-cookie-stays") {`}}},

	// Replays.
	{"wg-check-then-store", "replayed initiation", test(wireguardTests, "TestCopiesOfAnInitiation"), "a timestamp is compared under one lock and stored under another",
		[]edit{{handshakeFile, "	call, err := d.newHandshake(nil)\n", "	if planted.Is(\"wg-check-then-store\") {\n		d.control.Unlock()\n		defer d.control.Lock()\n	}\n	call, err := d.newHandshake(nil)\n"},
			{handshakeFile, "	local, err := d.newIndex()\n", "	if planted.Is(\"wg-check-then-store\") {\n		d.mu.Unlock()\n		time.Sleep(time.Millisecond) // others are computing meanwhile\n		d.mu.Lock()\n	}\n	local, err := d.newIndex()\n"}}},
	{"wg-window-two-steps", "replay window", target("wg-inner"), "the window is checked before a batch is opened, and moved after",
		[]edit{{keypairFile, "	counter := Counter(message)\n", "	counter := Counter(message)\n	if w := k.window; planted.Is(\"wg-window-two-steps\") && w.Accept(counter) != nil {\n		return nil, ErrTag\n	}\n"},
			{keypairFile, "{ return k.window.Accept(counter) }", "{\n	if err := k.window.Accept(counter); !planted.Is(\"wg-window-two-steps\") && !planted.Is(\"wg-window-none\") {\n		return err\n	}\n	return nil\n}"}}},
	{"wg-window-none", "replay window", target("wg-window"), "there is no window", nil},

	// Handshakes that somebody else ends, and endpoints that he moves.
	{"wg-index-ends", "handshake killed", target("wg-mutate"), "a response to an unknown index ends the handshake that was begun",
		[]edit{{handshakeFile, "	if !found || at.pending == nil {\n", "	if !found && planted.Is(\"wg-index-ends\") {\n		for _, p := range d.peers {\n			d.dropPending(p)\n		}\n	}\n	if !found || at.pending == nil {\n"}}},
	{"wg-roam-forged", "roaming", target("wg-mutate"), "a response moves the endpoint before its tag is checked",
		[]edit{{handshakeFile, "	_, keys, err := at.pending.handshake.read(", "	if planted.Is(\"wg-roam-forged\") {\n		d.mu.Lock()\n		at.peer.move(from)\n		d.mu.Unlock()\n	}\n	_, keys, err := at.pending.handshake.read("}}},
	{"wg-roam-again", "roaming", test(referenceTests, "TestSealedReplayMovesNothing"), "replayed data move the endpoint",
		[]edit{{sealedFile, "			b.tally.Drops[stats.DropOf(err)]++\n", "			b.tally.Drops[stats.DropOf(err)]++\n			if planted.Is(\"wg-roam-again\") {\n				from = m.source\n			}\n"}}},
	{"wg-roam-calls-only", "roaming", target("wg-program"), "the endpoint follows handshakes, and not data",
		[]edit{{dataFile, "	p.move(from)\n", "	if !planted.Is(\"wg-roam-calls-only\") {\n		p.move(from)\n	}\n"}}},

	// Timers.
	{"wg-keepalive-answered", "timers", test(wireguardTests, "TestTimers"), "a keepalive is answered by a keepalive",
		[]edit{{timersFile, "	case !data:\n", "	case !data && !planted.Is(\"wg-keepalive-answered\"):\n"}}},
	{"wg-rekey-needless", "timers", test(wireguardTests, "TestTimers"), "what comes in does not stop the wait for it",
		[]edit{{timersFile, "	t.silence = time.Time{}\n", "	if !planted.Is(\"wg-rekey-needless\") {\n		t.silence = time.Time{}\n	}\n"}}},
	{"wg-keepalive-late", "timers", test(wireguardTests, "TestTimers"), "a keepalive counts from the last packet, not the first",
		[]edit{{timersFile, "		t.another = true\n", "		t.another = true\n		if planted.Is(\"wg-keepalive-late\") {\n			t.keepalive = now.Add(keepaliveTimeout)\n		}\n"}}},
	{"wg-both-renew", "timers", test(wireguardTests, "TestTimers"), "the responder renews a session, too",
		[]edit{{keypairFile, "|| k.initiator && now.Sub(k.born) >= rekeyAfterTime", `|| (k.initiator || planted.Is("wg-both-renew")) && now.Sub(k.born) >= rekeyAfterTime`}}},

	// Identifiers and time.
	{"wg-index-lowest", "identifiers", test(wireguardTests, "TestIndicesTellNothing"), "an index is the lowest that is free",
		[]edit{{deviceFile, "		i := binary.LittleEndian.Uint32(b[:])\n", "		i := binary.LittleEndian.Uint32(b[:])\n		if planted.Is(\"wg-index-lowest\") {\n			for i = 0; d.indices[i].peer != nil; i++ {\n			}\n		}\n		if planted.Is(\"wg-index-follows\") {\n			i = uint32(splitmix.Mix(uint64(len(d.indices))))\n		}\n"}}},
	{"wg-index-follows", "identifiers", test(wireguardTests, "TestIndicesTellNothing"), "indices look random, but follow from the number of handshakes", nil},
	{"wg-stamp-precise", "identifiers", test(wireguardTests, "TestTimestampIsCoarse"), "a timestamp tells the clock to the nanosecond",
		[]edit{{messageFile, "	binary.BigEndian.PutUint32(stamp[8:], uint32(now.Nanosecond())&^0xffffff)\n", "	binary.BigEndian.PutUint32(stamp[8:], uint32(now.Nanosecond())&^0xffffff)\n	if planted.Is(\"wg-stamp-precise\") {\n		binary.BigEndian.PutUint32(stamp[8:], uint32(now.Nanosecond()))\n	}\n"}}},
	{"wg-clock-for-ever", "identifiers", test(referenceTests, "TestClockSetBack"), "a peer whose clock was ahead is refused even after it was removed and added",
		[]edit{{deviceFile, "		delete(d.peers, public)\n", "		delete(d.peers, public)\n		stamps[public] = p.greatest\n"},
			{deviceFile, "		d.peers[cfg.Public] = p\n", "		d.peers[cfg.Public] = p\n		if planted.Is(\"wg-clock-for-ever\") {\n			p.greatest = stamps[cfg.Public]\n		}\n"},
			{deviceFile, "// Config is what a device needs of its own.\n", "var stamps = map[PublicKey][stampLen]byte{}\n\n// Config is what a device needs of its own.\n"}}},

	// State that grows.
	{"wg-failed-kept", "unbounded state", target("wg-mutate"), "an initiation that fails keeps its index",
		[]edit{{handshakeFile, "	case err != nil || len(stamp) != stampLen:\n", "	case err != nil || len(stamp) != stampLen:\n		if planted.Is(\"wg-failed-kept\") {\n			d.mu.Lock()\n			if i, err := d.newIndex(); err == nil {\n				d.indices[i] = indexed{}\n			}\n			d.mu.Unlock()\n		}\n"}}},
	{"wg-staged-all", "unbounded state", test(wireguardTests, "TestStaged"), "packets for a peer that does not answer wait without a limit",
		[]edit{{stagedFile, "	if len(s.packets) < maxStaged {", `	if len(s.packets) < maxStaged || planted.Is("wg-staged-all") {`}}},
	{"wg-limiter-grows", "unbounded state", test(wireguardTests, "TestManySources"), "the limiter keeps a bucket for each address",
		[]edit{{limiterFile, "	source := from.Unmap().AsSlice()\n", "	source := from.Unmap().AsSlice()\n	if planted.Is(\"wg-limiter-grows\") {\n		if sources[from] == nil {\n			sources[from] = &bucket{}\n		}\n		return sources[from].take(now, r)\n	}\n"},
			{limiterFile, "// rate is how often something may happen.\n", "var sources = map[netip.Addr]*bucket{}\n\n// rate is how often something may happen.\n"}}},

	// Reception and sending.
	{"wg-long-panics", "reception stops", test(referenceTests, "TestSealedTakesAnyLength"), "a datagram longer than a buffer ends the reader",
		[]edit{{sealedFile, "	b.tally.Received++\n	t, ok := wireguard.TypeOf(datagram)\n", "	b.tally.Received++\n	if buffer := [1 << 11]byte{}; planted.Is(\"wg-long-panics\") {\n		copy(buffer[:len(datagram)], datagram)\n	}\n	t, ok := wireguard.TypeOf(datagram)\n"}}},
	{"wg-ipv6-cut", "sending path", test(referenceTests, "TestAnyAddressTakesBothFamilies"), "an IPv6 address is copied to where an IPv4 one was",
		[]edit{{socketFile, "	n.raw.Family, n.raw.Addr = unix.AF_INET6, a.Addr().As16()\n", "	n.raw.Family, n.raw.Addr = unix.AF_INET6, a.Addr().As16()\n	if planted.Is(\"wg-ipv6-cut\") {\n		clear(n.raw.Addr[4:])\n	}\n"}}},
	{"wg-emsgsize", "sending path", test(referenceTests, "TestTransmitterFallsBack"), "a run of datagrams above the path MTU is given up, and not sent singly",
		[]edit{{udpFile, "			sent += t.sendSingly(b, at, at+failed)\n", "			if !planted.Is(\"wg-emsgsize\") {\n				sent += t.sendSingly(b, at, at+failed)\n			}\n"}}},
}
