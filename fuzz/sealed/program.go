package sealed

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/tunnelbench/tunnelbench/fuzz/oracle"
	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// Limits of the programs: each handshake costs curve operations.
const (
	longestProgram = 2 * 96 // bytes
	longestWait    = 3600 * time.Second
	maxFlights     = 64 // messages on the way; further ones are lost, as on any wire
)

// Program attacks two machines that are joined by a wire, on a virtual clock. The input is a program: in each step one
// byte chooses what happens and a second byte how. Whatever happens, packets arrive unchanged and once, or not at all;
// nothing is sent under a key that is old, unconfirmed or with a counter used before; and after 200 quiet seconds the
// tunnel works again.
func Program(data []byte) int {
	w := newWorld()
	for data = data[:min(len(data), longestProgram)]; len(data) >= 2; data = data[2:] {
		w.step(data[0], int(data[1]))
		w.run(0)
	}
	w.recovers()
	return 1
}

// world is two machines and the wire.
type world struct {
	now      time.Time
	waited   time.Duration
	machines [2]*machine
	packets  int
	sent     map[int]bool // numbers of packets, true once delivered
	perfect  bool         // the wire brings everything at once
}

// machine is one side, with what the harness knows of its state.
type machine struct {
	*host
	peer     *wireguard.Peer
	side     int
	starts   byte
	psk      wireguard.PresharedKey
	every    time.Duration
	busy     bool
	endpoint netip.AddrPort // source of the last authentic message
	queue    []flight

	sessions map[uint32]*session // by the receiver index of the messages that it sends
	byOwn    map[uint32]*session // by its own index
	used     map[use]bool        // what it has sealed
	opened   map[use]bool        // what it has taken
}

// session is a session as the harness saw it on the wire.
type session struct {
	born      time.Time
	confirmed bool // its initiator has it from the beginning
}

// use is a key, named by the receiver index of its messages, and a counter.
type use struct {
	index   uint32
	counter uint64
}

// flight is a message on the way.
type flight struct {
	data   []byte
	from   netip.AddrPort
	forged bool
}

func newWorld() *world {
	w := &world{now: epoch, sent: map[int]bool{}}
	for side := range w.machines {
		w.machines[side] = &machine{side: side}
	}
	for side := range w.machines {
		w.start(side)
	}
	return w
}

// start starts or restarts a machine: it has its configuration, and nothing else.
func (w *world) start(side int) {
	m := w.machines[side]
	m.starts++
	m.host = newHost(1+byte(side), m.starts, []netip.AddrPort{callerAt, targetAt}[side])
	m.forget()
	m.endpoint = []netip.AddrPort{targetAt, {}}[side] // the second one waits to be called
	m.set(w.now)
}

// forget forgets all sessions.
func (m *machine) forget() {
	m.sessions, m.byOwn, m.used, m.opened = map[uint32]*session{}, map[uint32]*session{}, map[use]bool{}, map[use]bool{}
}

// set gives a machine its configuration.
func (m *machine) set(now time.Time) {
	key := wireguard.PrivateKey{8, 2 - byte(m.side)}
	cfg := wireguard.PeerConfig{Public: key.Public(), Preshared: m.psk, Keepalive: m.every, Endpoint: m.endpoint}
	var err error
	if m.peer, err = m.device.SetPeer(now, cfg); err != nil {
		panic(err) // the harness is wrong
	}
}

// waits are durations around the protocol's limits.
var waits = []time.Duration{
	time.Millisecond, 19 * time.Millisecond, 21 * time.Millisecond, time.Second, 5 * time.Second, 6 * time.Second, 10 * time.Second, 16 * time.Second,
	25 * time.Second, 60 * time.Second, 120 * time.Second, 166 * time.Second, 179 * time.Second, 180 * time.Second, 541 * time.Second, 100 * time.Second,
}

// step runs one step of the program.
func (w *world) step(what byte, arg int) {
	m := w.machines[what>>7]
	if n := len(m.queue); n == 0 && what&15 >= 8 && what&15 <= 13 {
		what = what&0x80 | 4 // there is nothing to do it to
	}
	switch what & 15 {
	case 0, 1, 2:
		w.send(m)
	case 3: // it found no session, and one has come meanwhile
		m.device.Stage(w.now, m.peer, w.packet(m))
	case 4, 5:
		w.flush()
	case 6:
		w.wait(waits[arg%len(waits)])
	case 7:
		w.configure(m, arg)
	case 8, 9:
		w.deliver(m, w.take(m, arg%len(m.queue)))
	case 10:
		m.put(m.queue[arg%len(m.queue)])
	case 11:
		w.take(m, arg%len(m.queue))
	case 12: // from elsewhere: the other side roams, or somebody forwards
		f := w.take(m, arg%len(m.queue))
		f.from = sources[3+arg%2]
		w.deliver(m, f)
	case 13:
		w.forge(m, m.queue[arg%len(m.queue)], arg)
	case 14:
		m.at = netip.AddrPortFrom(sources[arg%2].Addr(), uint16(1000+arg))
	case 15:
		w.start(m.side)
	}
}

// configure changes what a person may change.
func (w *world) configure(m *machine, arg int) {
	switch more := arg / 5; arg % 5 {
	case 0:
		m.psk = wireguard.PresharedKey{byte(more % 4)}
	case 1:
		m.every = []time.Duration{0, time.Second, 25 * time.Second, 10 * time.Minute}[more%4]
	case 2:
		m.busy = !m.busy
	case 3:
		for range more % 8 {
			w.send(m)
		}
	case 4: // removed, and added again
		m.device.RemovePeer(m.peer.Public())
		m.forget()
	}
	m.set(w.now)
}

// forge delivers a message with a bit flipped, from elsewhere. mac2 alone protects nothing but its sender's address.
func (w *world) forge(m *machine, f flight, arg int) {
	f.data = oracle.Exact(f.data)
	bit := arg * 31 % (8 * len(f.data))
	f.data[bit/8] ^= 1 << (bit % 8)
	if t := typeOf(f.data); t != wireguard.Data && t != wireguard.CookieReply && bit/8 >= len(f.data)-macLen {
		return
	}
	f.from, f.forged = sources[3], true
	w.deliver(m, f)
}

func (m *machine) put(f flight) {
	if len(m.queue) < maxFlights {
		m.queue = append(m.queue, f)
	}
}

// take removes a message from the wire.
func (w *world) take(m *machine, at int) flight {
	f := m.queue[at]
	m.queue = append(m.queue[:at:at], m.queue[at+1:]...)
	return f
}

// flush delivers all that is on the way, and the answers.
func (w *world) flush() {
	for len(w.machines[0].queue)+len(w.machines[1].queue) > 0 {
		for _, m := range w.machines {
			if len(m.queue) > 0 {
				w.deliver(m, w.take(m, 0))
			}
		}
	}
}

// wait lets time pass.
func (w *world) wait(d time.Duration) {
	if w.waited += d; w.waited <= longestWait {
		w.run(d)
	}
}

// run lets time pass, and the timers fire when they are due.
func (w *world) run(d time.Duration) {
	for end := w.now.Add(d); ; {
		if w.perfect {
			w.flush()
		}
		at := end
		for _, m := range w.machines {
			if next := m.device.Next(); !next.IsZero() && next.Before(at) {
				at = next
			}
		}
		w.now = later(w.now, at)
		before := w.machines[0].device.Next().UnixNano() + w.machines[1].device.Next().UnixNano()
		for _, m := range w.machines {
			w.emit(m, m.device.Tick(w.now))
		}
		if after := w.machines[0].device.Next().UnixNano() + w.machines[1].device.Next().UnixNano(); at == end && after == before {
			return
		}
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// packet returns the next packet of a side.
func (w *world) packet(m *machine) []byte {
	w.packets++
	w.sent[2*w.packets+m.side] = false
	return numbered(2*w.packets + m.side)
}

// send sends a packet as a tunnel does.
func (w *world) send(m *machine) {
	packet := w.packet(m)
	k, counter, to := m.device.Reserve(w.now, m.peer, 1)
	if k == nil {
		m.device.Stage(w.now, m.peer, packet)
		return
	}
	message := make([]byte, wireguard.MinDataLen+len(packet))
	copy(message[wireguard.HeaderLen:], packet)
	k.Seal(message, counter)
	w.emit(m, []wireguard.Send{{Peer: m.peer, To: to, Datagram: message}})
}

// emit puts messages on the wire, and checks them.
func (w *world) emit(m *machine, sends []wireguard.Send) {
	for _, s := range sends {
		if s.Peer != nil && s.To != m.endpoint {
			oracle.Fail(oracle.State, "a message goes to %v; the last authentic one came from %v", s.To, m.endpoint)
		}
		switch typeOf(s.Datagram) {
		case wireguard.Response: // its session waits for its first message
			k := &session{born: w.now}
			m.byOwn[binary.LittleEndian.Uint32(s.Datagram[4:])] = k
			m.sessions[binary.LittleEndian.Uint32(s.Datagram[8:])] = k
		case wireguard.Data:
			w.checkSent(m, s.Datagram)
		}
		w.machines[1-m.side].put(flight{data: oracle.Exact(s.Datagram), from: m.at})
	}
	if live := m.device.Live(); live > 4 {
		oracle.Fail(oracle.State, "%d indices for one peer", live)
	}
}

// checkSent checks the session and the counter of a data message.
func (w *world) checkSent(m *machine, message []byte) {
	u := use{wireguard.Index(message), wireguard.Counter(message)}
	k := m.sessions[u.index]
	switch {
	case k == nil:
		oracle.Fail(oracle.State, "a message under a key that was never made")
	case !k.confirmed:
		oracle.Fail(oracle.State, "a message under a key that the peer has not confirmed")
	case w.now.Sub(k.born) >= 180*time.Second:
		oracle.Fail(oracle.State, "a message under a key of %v", w.now.Sub(k.born))
	case m.used[u]:
		oracle.Fail(oracle.State, "counter %d is used twice", u.counter)
	}
	m.used[u] = true
}

// deliver gives a message to a machine, and checks what comes of it.
func (w *world) deliver(m *machine, f flight) {
	message, t := oracle.Exact(f.data), typeOf(f.data)
	pending := m.device.Tally().Handshakes
	r := m.receive(w.now, message, f.from, m.busy)
	if f.forged && (r.taken || len(r.packet) > 0) {
		oracle.Fail(oracle.Agreement, "a forged message was taken: % x", f.data)
	}
	if r.taken && t != wireguard.CookieReply {
		m.endpoint = f.from
	}
	if r.taken && t == wireguard.Response {
		if m.device.Tally().Handshakes != pending+1 {
			oracle.Fail(oracle.Counted, "a response was taken, but is no handshake")
		}
		k := &session{born: w.now, confirmed: true}
		m.byOwn[binary.LittleEndian.Uint32(f.data[8:])] = k
		m.sessions[binary.LittleEndian.Uint32(f.data[4:])] = k
	}
	if r.session != nil {
		w.checkTaken(m, f.data, r.packet)
	}
	if got := m.device.States(w.now)[0].Endpoint; got != m.endpoint {
		oracle.Fail(oracle.State, "the endpoint is %v; the last authentic message came from %v", got, m.endpoint)
	}
	w.emit(m, r.sends)
}

// checkTaken checks a data message that was taken, and its packet.
func (w *world) checkTaken(m *machine, message, packet []byte) {
	u := use{wireguard.Index(message), wireguard.Counter(message)}
	k := m.byOwn[u.index]
	switch {
	case k == nil:
		oracle.Fail(oracle.State, "a message of a session that was never made")
	case w.now.Sub(k.born) >= 180*time.Second:
		oracle.Fail(oracle.State, "a message of a session of %v", w.now.Sub(k.born))
	case m.opened[u]:
		oracle.Fail(oracle.State, "counter %d was taken twice", u.counter)
	}
	m.opened[u], k.confirmed = true, true
	if len(packet) == 0 {
		return
	}
	n := int(binary.BigEndian.Uint64(packet[24:]))
	delivered, sent := w.sent[n]
	if !sent || delivered || n%2 == m.side || !bytes.Equal(packet, numbered(n)) {
		oracle.Fail(oracle.Agreement, "packet %d of side %d: sent %v, delivered before %v: % x", n/2, n%2, sent, delivered, packet)
	}
	w.sent[n] = true
}

// recovers lets 200 quiet seconds pass on a perfect wire. Then a packet in each direction arrives.
func (w *world) recovers() {
	for _, m := range w.machines {
		m.psk, m.busy, m.queue = wireguard.PresharedKey{}, false, nil
		m.set(w.now)
	}
	w.perfect = true
	w.run(200 * time.Second)
	for _, m := range w.machines {
		w.send(m)
		w.run(20 * time.Second)
		if n := 2*w.packets + m.side; !w.sent[n] {
			oracle.Fail(oracle.Agreement, "after 200 quiet seconds a packet of side %d does not arrive", m.side)
		}
	}
}
