package main

// The files of the sealed tunnel.
const (
	deviceFile    = "reference/wireguard/device.go"
	handshakeFile = "reference/wireguard/handshake.go"
	dataFile      = "reference/wireguard/data.go"
	leavingFile   = "reference/wireguard/leaving.go"
	keypairFile   = "reference/wireguard/keypair.go"
	macFile       = "reference/wireguard/mac.go"
	noiseFile     = "reference/wireguard/noise.go"
	sealedFile    = "reference/sealed.go"
	quickFile     = "reference/wgquick/wgquick.go"
	quickKeysFile = "reference/wgquick/keys.go"
)

// sealedBugs are faults of the sealed tunnel that its fuzz targets find.
var sealedBugs = []bug{
	{"wg-counter-reused", "nonce reuse", target("wg-program"), "a counter is sometimes used twice",
		[]edit{{leavingFile, "	k.counter += uint64(n)\n", "	if !planted.Is(\"wg-counter-reused\") || k.counter%4 != 3 {\n		k.counter += uint64(n)\n	}\n"}}},
	{"wg-no-limit", "nonce reuse", target("wg-window"), "counters have no limit",
		[]edit{{keypairFile, "	if counter >= rejectAfterMessages {", `	if counter >= rejectAfterMessages && !planted.Is("wg-no-limit") {`}}},
	{"wg-window-first", "window poisoning", target("wg-window"), "a forged message moves the window",
		[]edit{{keypairFile, "	if err != nil {\n		return nil, ErrTag", "	if err != nil {\n		if planted.Is(\"wg-window-first\") {\n			_ = k.window.Accept(counter)\n		}\n		return nil, ErrTag"}}},
	{"wg-old-sends", "session too old", target("wg-program"), "a session is used after 180 s",
		[]edit{{keypairFile, "now.Sub(k.born) < rejectAfterTime &&", `(now.Sub(k.born) < rejectAfterTime || planted.Is("wg-old-sends")) &&`}}},
	{"wg-old-receives", "session too old", target("wg-mutate"), "a message of a session of more than 180 s is taken",
		[]edit{{dataFile, "now.Sub(k.born) >= rejectAfterTime {\n			k = nil", "now.Sub(k.born) >= rejectAfterTime && !planted.Is(\"wg-old-receives\") {\n			k = nil"}}},
	{"wg-stamp-forgotten", "replayed initiation", target("wg-mutate"), "the timestamp of an initiation is not kept",
		[]edit{{handshakeFile, "	p.greatest, p.lastAccepted = [stampLen]byte(stamp), now\n", "	if !planted.Is(\"wg-stamp-forgotten\") {\n		p.greatest, p.lastAccepted = [stampLen]byte(stamp), now\n	}\n"}}},
	{"wg-forgery-ends", "handshake killed", target("wg-mutate"), "a forged response ends the handshake that was begun",
		[]edit{{handshakeFile, "	if err != nil {\n		return nil, RefusedSeal\n	}\n	d.mu.Lock()\n	defer d.mu.Unlock()\n	p := at.peer", "	if err != nil {\n		if planted.Is(\"wg-forgery-ends\") {\n			d.mu.Lock()\n			d.dropPending(at.peer)\n			d.mu.Unlock()\n		}\n		return nil, RefusedSeal\n	}\n	d.mu.Lock()\n	defer d.mu.Unlock()\n	p := at.peer"}}},
	{"wg-low-order", "handshake killed", target("wg-mutate"), "a key of low order ends the handshake in the middle",
		[]edit{{noiseFile, "		c.weak = true\n		return", "		c.weak = true\n		if planted.Is(\"wg-low-order\") {\n			return nil, err\n		}\n		return"}}},
	{"wg-roam-cookie", "roaming", target("wg-mutate"), "a cookie reply moves the endpoint",
		[]edit{{handshakeFile, "	case t == CookieReply:\n", "	case t == CookieReply:\n		if planted.Is(\"wg-roam-cookie\") {\n			d.mu.Lock()\n			if at, found := d.indices[binary.LittleEndian.Uint32(message[offReceiver:])]; found {\n				at.peer.move(from)\n			}\n			d.mu.Unlock()\n		}\n"}}},
	{"wg-roam-replay", "roaming", target("wg-mutate"), "a replayed initiation moves the endpoint",
		[]edit{{handshakeFile, "	if refusal != Accepted {\n		return nil, refusal\n	}\n	answer :=", "	if refusal != Accepted {\n		if planted.Is(\"wg-roam-replay\") && refusal == RefusedReplay {\n			d.mu.Lock()\n			d.peers[PublicKey(call.noise.PeerStatic())].move(from)\n			d.mu.Unlock()\n		}\n		return nil, refusal\n	}\n	answer :="}}},
	{"wg-unconfirmed", "key confirmation", target("wg-program"), "the responder sends before the initiator has",
		[]edit{{handshakeFile, "	d.replace(&p.next, k)\n", "	if planted.Is(\"wg-unconfirmed\") {\n		d.replace(&p.current, k)\n	} else {\n		d.replace(&p.next, k)\n	}\n"}}},
	{"wg-indices-kept", "unbounded state", target("wg-program"), "the index of a replaced session stays",
		[]edit{{deviceFile, "	if old := *slot; old != nil {", `	if old := *slot; old != nil && !planted.Is("wg-indices-kept") {`}}},
	{"wg-unknown-kept", "unbounded state", target("wg-datagram"), "an unknown index is remembered",
		[]edit{{dataFile, "		into = append(into, k)\n", "		if planted.Is(\"wg-unknown-kept\") && k == nil {\n			d.indices[i] = indexed{}\n		}\n		into = append(into, k)\n"}}},
	{"wg-psk-kept", "other key", target("wg-program"), "a changed preshared key is ignored",
		[]edit{{deviceFile, "	p.psk, p.roams = cfg.Preshared,", "	if p.psk != (PresharedKey{}) && planted.Is(\"wg-psk-kept\") {\n		cfg.Preshared = p.psk\n	}\n	p.psk, p.roams = cfg.Preshared,"}}},
	{"wg-cookie-twice", "cookie", target("wg-mutate"), "a cookie reply is taken twice",
		[]edit{{macFile, "j.awaiting = cookie(value), now, false", `j.awaiting = cookie(value), now, planted.Is("wg-cookie-twice")`}}},
	{"wg-source-any", "wrong decode", target("wg-inner"), "an inner source behind another peer is accepted",
		[]edit{{sealedFile, "	case f.peers.bySource(packet) != ownerOf(m.keys):", `	case f.peers.bySource(packet) != ownerOf(m.keys) && !(planted.Is("wg-source-any") && f.peers.bySource(packet) != nil):`}}},
	{"wg-length-wraps", "uint16 wrap", target("wg-inner"), "the length of an IPv6 packet wraps at 65536",
		[]edit{{sealedFile, "	n := inner.Length(packet)\n", "	n := inner.Length(packet)\n	if planted.Is(\"wg-length-wraps\") {\n		n = int(uint16(n))\n	}\n"}}},
	{"wg-quick-shell", "wrong decode", target("wg-quick"), "shell commands are ignored, not refused",
		[]edit{{quickFile, "	key, known := keys[r.section]", "	if planted.Is(\"wg-quick-shell\") && refused[strings.ToLower(name)] == shell {\n		return nil\n	}\n	key, known := keys[r.section]"}}},
	{"wg-quick-shows", "one line", target("wg-quick"), "an error shows a key that stands in the wrong line",
		[]edit{{quickKeysFile, "	if base64.MatchString(value) || base64.MatchString(text) {", `	if (base64.MatchString(value) || base64.MatchString(text)) && !planted.Is("wg-quick-shows") {`}}},
}
