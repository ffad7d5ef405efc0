package wireguard_test

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.zx2c4.com/wireguard/conn"
	foreign "golang.zx2c4.com/wireguard/device"
	"golang.zx2c4.com/wireguard/tun/tuntest"

	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// kept holds wireguard-go's peers until the program ends: their finalizers use channels of a synctest bubble from
// outside of it, which ends the program.
var kept []*foreign.Peer

var (
	ourAddress   = netip.MustParseAddrPort("192.0.2.1:51820")
	theirAddress = netip.MustParseAddrPort("192.0.2.2:51820")
)

// datagram is a message on the way, with its source.
type datagram struct {
	data []byte
	from netip.AddrPort
	sent time.Time
}

// wire joins our device and wireguard-go's. It implements conn.Bind for the latter.
type wire struct {
	toThem, toUs chan datagram
	delay        time.Duration // from one end to the other
	closed       chan struct{}
	once         *sync.Once

	mu     sync.Mutex
	theirs netip.AddrPort                 // their source address
	lose   func(m []byte, ours bool) bool // messages that get lost; nil: none
}

func newWire() *wire {
	return &wire{toThem: make(chan datagram, 1<<14), toUs: make(chan datagram, 1<<14), closed: make(chan struct{}), once: new(sync.Once), theirs: theirAddress}
}

// arrives waits until a message is there.
func (w *wire) arrives(m datagram) { time.Sleep(time.Until(m.sent.Add(w.delay))) }

func (w *wire) lost(m []byte, ours bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lose != nil && w.lose(m, ours)
}

func (w *wire) Open(port uint16) ([]conn.ReceiveFunc, uint16, error) {
	w.closed, w.once = make(chan struct{}), new(sync.Once)
	closed := w.closed
	return []conn.ReceiveFunc{func(packets [][]byte, sizes []int, eps []conn.Endpoint) (int, error) {
		select {
		case <-closed:
			return 0, net.ErrClosed
		case m := <-w.toThem:
			w.arrives(m)
			sizes[0], eps[0] = copy(packets[0], m.data), &conn.StdNetEndpoint{AddrPort: m.from}
			return 1, nil
		}
	}}, 51820, nil
}

func (w *wire) Close() error {
	w.once.Do(func() { close(w.closed) })
	return nil
}

func (w *wire) SetMark(uint32) error { return nil }
func (w *wire) BatchSize() int       { return 1 }

func (w *wire) ParseEndpoint(s string) (conn.Endpoint, error) {
	a, err := netip.ParseAddrPort(s)
	return &conn.StdNetEndpoint{AddrPort: a}, err
}

func (w *wire) Send(bufs [][]byte, _ conn.Endpoint) error {
	for _, b := range bufs {
		if !w.lost(b, false) {
			w.mu.Lock()
			from := w.theirs
			w.mu.Unlock()
			w.toUs <- datagram{bytes.Clone(b), from, time.Now()}
		}
	}
	return nil
}

// ours is our end: a device and the loop that a tunnel runs.
type ours struct {
	t       *testing.T
	wire    *wire
	private wireguard.PrivateKey
	device  *wireguard.Device
	peer    *wireguard.Peer
	at      netip.AddrPort
	busy    bool // claims to be under load
	do      chan func()
	stop    chan struct{}
	ended   chan struct{}

	mu  sync.Mutex
	got map[string]int // packets that came in, how often each
}

// theirs is wireguard-go.
type theirs struct {
	device *foreign.Device
	tun    *tuntest.ChannelTUN
	key    wireguard.PrivateKey

	mu  sync.Mutex
	got map[string]int
}

// pair is an end of each.
type pair struct {
	wire   *wire
	ours   *ours
	theirs *theirs
}

func newKey(t *testing.T) wireguard.PrivateKey {
	t.Helper()
	k, err := wireguard.NewPrivateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// join makes a pair. change may alter our configuration of the peer; more are lines of theirs.
func join(t *testing.T, change func(*wireguard.PeerConfig), more ...string) *pair {
	t.Helper()
	return joinBy(t, newWire(), change, more...)
}

// joinBy is join with a wire of the test, which sees all messages from the first one on.
func joinBy(t *testing.T, w *wire, change func(*wireguard.PeerConfig), more ...string) *pair {
	t.Helper()
	p := &pair{wire: w}
	p.ours = &ours{t: t, wire: p.wire, private: newKey(t), at: ourAddress, got: map[string]int{}}
	p.theirs = &theirs{key: newKey(t), got: map[string]int{}}
	p.startTheirs(t, more...)
	cfg := wireguard.PeerConfig{Public: p.theirs.key.Public(), Endpoint: theirAddress}
	if change != nil {
		change(&cfg)
	}
	p.ours.start(cfg)
	t.Cleanup(func() {
		p.ours.end()
		p.theirs.device.Close()
	})
	return p
}

func (p *pair) startTheirs(t *testing.T, more ...string) {
	t.Helper()
	p.theirs.tun = tuntest.NewChannelTUN()
	p.theirs.device = foreign.NewDevice(p.theirs.tun.TUN(), p.wire, foreign.NewLogger(foreign.LogLevelSilent, ""))
	public := p.ours.private.Public()
	key := p.theirs.key
	config := fmt.Sprintf("private_key=%s\npublic_key=%s\nendpoint=%s\nallowed_ip=0.0.0.0/0\nallowed_ip=::/0\n%s",
		hex.EncodeToString(key[:]), hex.EncodeToString(public[:]), ourAddress, strings.Join(more, ""))
	if err := p.theirs.device.IpcSet(config); err != nil {
		t.Fatal(err)
	}
	kept = append(kept, p.theirs.device.LookupPeer(foreign.NoisePublicKey(public)))
	if err := p.theirs.device.Up(); err != nil {
		t.Fatal(err)
	}
	in := p.theirs.tun.Inbound
	go func() {
		for packet := range receiving(in, p.theirs.device.Wait()) {
			p.theirs.mu.Lock()
			p.theirs.got[string(packet)]++
			p.theirs.mu.Unlock()
		}
	}()
}

// receiving yields packets until a device ends.
func receiving(in chan []byte, ended chan struct{}) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for {
			select {
			case packet := <-in:
				yield(packet)
			case <-ended:
				return
			}
		}
	}
}

func (o *ours) start(cfg wireguard.PeerConfig) {
	o.t.Helper()
	var err error
	if o.device, err = wireguard.New(wireguard.Config{Private: o.private, MTU: 1420, Random: rand.Reader}); err != nil {
		o.t.Fatal(err)
	}
	if o.peer, err = o.device.SetPeer(time.Now(), cfg); err != nil {
		o.t.Fatal(err)
	}
	o.do, o.stop, o.ended = make(chan func()), make(chan struct{}), make(chan struct{})
	go o.loop()
}

func (o *ours) end() {
	close(o.stop)
	<-o.ended
}

// loop is what a tunnel does, on one goroutine.
func (o *ours) loop() {
	defer close(o.ended)
	timer := time.NewTimer(0)
	for {
		select {
		case <-o.stop:
			return
		case f := <-o.do:
			f()
		case m := <-o.wire.toUs:
			o.wire.arrives(m)
			o.receive(m)
		case <-timer.C:
		}
		o.send(o.device.Tick(time.Now()))
		sleep := time.Second
		if next := o.device.Next(); !next.IsZero() {
			sleep = min(sleep, max(0, time.Until(next)))
		}
		timer.Reset(sleep)
	}
}

func (o *ours) send(sends []wireguard.Send) {
	for _, s := range sends {
		if !o.wire.lost(s.Datagram, true) {
			o.wire.toThem <- datagram{bytes.Clone(s.Datagram), o.at, time.Now()}
		}
	}
}

func (o *ours) receive(m datagram) {
	now := time.Now()
	t, ok := wireguard.TypeOf(m.data)
	if !ok {
		return
	}
	if t != wireguard.Data {
		sends, _ := o.device.Handshake(now, m.data, m.from, o.busy)
		o.send(sends)
		return
	}
	k := o.device.Sessions(now, []uint32{wireguard.Index(m.data)}, nil)[0]
	if k == nil {
		return
	}
	packet, err := k.Open(m.data)
	if err != nil || k.Accept(wireguard.Counter(m.data)) != nil {
		return
	}
	if len(packet) > 0 {
		n := int(binary.BigEndian.Uint16(packet[2:]))
		o.mu.Lock()
		o.got[string(packet[:n])]++
		o.mu.Unlock()
	}
	o.device.Received(now, k, m.from, len(packet) > 0)
}

// transmit sends a packet from our end.
func (o *ours) transmit(packet []byte) {
	o.do <- func() {
		now := time.Now()
		k, counter, _ := o.device.Reserve(now, o.peer, 1)
		if k == nil {
			o.device.Stage(now, o.peer, packet)
			return
		}
		m := make([]byte, wireguard.HeaderLen+wireguard.Padded(len(packet), 1420)+wireguard.TagLen)
		copy(m[wireguard.HeaderLen:], packet)
		k.Seal(m, counter)
		o.send([]wireguard.Send{{Datagram: m}})
	}
}

// ip returns an IPv4 packet of n bytes that says its number.
func ip(n, number int) []byte {
	p := make([]byte, n)
	p[0], p[8], p[9] = 4<<4|5, 64, 253
	binary.BigEndian.PutUint16(p[2:], uint16(n))
	binary.BigEndian.PutUint32(p[4:], uint32(number))
	copy(p[12:], []byte{10, 0, 0, 1, 10, 0, 0, 2})
	return p
}

// both sends packets both ways and returns how many of each way came in.
func (p *pair) both(packets [][]byte) (toThem, toUs int) {
	for _, packet := range packets {
		p.ours.transmit(packet)
		p.theirs.tun.Outbound <- packet
	}
	synctest.Wait()
	return p.arrived(packets)
}

func (p *pair) arrived(packets [][]byte) (toThem, toUs int) {
	p.ours.mu.Lock()
	defer p.ours.mu.Unlock()
	p.theirs.mu.Lock()
	defer p.theirs.mu.Unlock()
	for _, packet := range packets {
		toThem += p.theirs.got[string(packet)]
		toUs += p.ours.got[string(packet)]
	}
	return toThem, toUs
}
