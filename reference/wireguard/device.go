package wireguard

import (
	"encoding/binary"
	"errors"
	"io"
	"net/netip"
	"sync"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/splitmix"
)

// Config is what a device needs of its own.
type Config struct {
	Private PrivateKey
	MTU     int       // of inner packets, in bytes
	Random  io.Reader // crypto/rand.Reader, but in tests
	// Secrets is told what opens each session, before the message that begins or answers its handshake is sent;
	// nil: nobody is. It must not call the device.
	Secrets func(Secrets)
}

// PeerConfig describes another end.
type PeerConfig struct {
	Public    PublicKey
	Preshared PresharedKey   // zero: none
	Endpoint  netip.AddrPort // zero: unknown until it calls
	Keepalive time.Duration  // persistent; 0: off
	Fixed     bool           // the endpoint does not follow the peer
	Owner     any            // see Peer; of a peer that is changed, it stays
}

// Device is one end of WireGuard.
type Device struct {
	mtu     int
	random  io.Reader
	private PrivateKey
	public  PublicKey
	keys    macKeys // for messages to us
	secrets func(Secrets)

	control  sync.Mutex // one handshake message, tick or change at a time; guards the following
	mac1     *mac1Checker
	cookies  cookieChecker
	limiter  limiter
	answered limiter // by cookie replies
	replies  bucket
	loaded   time.Time // under load until

	tally tally // without a lock

	left sync.Cond // on mu: packets that were staged are sent

	mu      sync.Mutex // guards the following, and the peers' fields
	peers   map[PublicKey]*Peer
	indices map[uint32]indexed
	plan    schedule
	jitters uint64 // state of a SplitMix64 generator
}

// indexed is what a receiver index stands for: a handshake that we have begun, or a session.
type indexed struct {
	peer    *Peer
	pending *pending
	keys    *Keypair
}

// New returns a device without peers.
func New(cfg Config) (*Device, error) {
	d := &Device{
		mtu: cfg.MTU, random: cfg.Random, private: cfg.Private, public: cfg.Private.Public(), secrets: cfg.Secrets,
		peers: map[PublicKey]*Peer{}, indices: map[uint32]indexed{}, cookies: cookieChecker{random: cfg.Random},
	}
	d.left.L = &d.mu
	d.keys = newMACKeys(d.public)
	d.mac1 = newMAC1Checker(&d.keys)
	var seed [8]byte
	if _, err := io.ReadFull(d.random, seed[:]); err != nil {
		return nil, err
	}
	d.jitters = binary.LittleEndian.Uint64(seed[:])
	if err := d.limiter.init(d.random); err != nil {
		return nil, err
	}
	d.answered.key = d.limiter.key
	return d, nil
}

// Public returns the device's public key.
func (d *Device) Public() PublicKey { return d.public }

// Errors of SetPeer.
var (
	ErrOwnKey  = errors.New("the public key is this end's own")
	ErrWeakKey = errors.New("the public key is of low order: everybody knows its product with any key")
)

// SetPeer adds a peer, or changes one. A changed preshared key is used from the next handshake on.
func (d *Device) SetPeer(now time.Time, cfg PeerConfig) (*Peer, error) {
	if cfg.Public == d.public {
		return nil, ErrOwnKey
	}
	static, err := d.staticWith(cfg.Public)
	if err != nil { // a new peer
		if static, err = d.private.shared(cfg.Public); err != nil {
			return nil, ErrWeakKey
		}
	}
	d.control.Lock()
	defer d.control.Unlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	p := d.peers[cfg.Public]
	if p == nil {
		p = &Peer{Owner: cfg.Owner, public: cfg.Public, static: static, keys: newMACKeys(cfg.Public), place: unplanned}
		d.peers[cfg.Public] = p
	}
	p.psk, p.roams = cfg.Preshared, !cfg.Fixed
	if cfg.Endpoint.IsValid() && cfg.Endpoint != p.endpoint {
		p.endpoint = cfg.Endpoint
		p.heard.Store(0)
	}
	p.show()
	p.timers.keep(now, cfg.Keepalive)
	d.plan.plan(p)
	return p, nil
}

// RemovePeer forgets a peer and its sessions.
func (d *Device) RemovePeer(public PublicKey) {
	d.control.Lock()
	defer d.control.Unlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	if p := d.peers[public]; p != nil {
		d.erase(p)
		d.plan.remove(p)
		delete(d.peers, public)
		p.endpoint, p.timers = netip.AddrPort{}, timers{}
	}
}

// erase forgets a peer's keys and packets.
func (d *Device) erase(p *Peer) {
	d.dropPending(p)
	for _, slot := range []**Keypair{&p.previous, &p.current, &p.next} {
		d.replace(slot, nil)
	}
	d.unsent(p)
}

// unsent drops the packets that wait for a session.
func (d *Device) unsent(p *Peer) { d.tally.unsent.Add(uint64(len(p.staged.take()))) }

// dropPending forgets a handshake that we have begun.
func (d *Device) dropPending(p *Peer) {
	if p.pending != nil {
		delete(d.indices, p.pending.local)
		p.pending = nil
	}
}

// replace puts a session into a peer's slot. The index of the one before is gone.
func (d *Device) replace(slot **Keypair, k *Keypair) {
	if old := *slot; old != nil {
		delete(d.indices, old.local)
	}
	*slot = k
}

// newIndex returns a receiver index that is not in use: random, so that it tells nobody how many peers
// there are.
func (d *Device) newIndex() (uint32, error) {
	for {
		var b [4]byte
		if _, err := io.ReadFull(d.random, b[:]); err != nil {
			return 0, err
		}
		i := binary.LittleEndian.Uint32(b[:])
		if _, used := d.indices[i]; !used {
			return i, nil
		}
	}
}

// jitter returns a random time, so that two ends do not go on colliding.
func (d *Device) jitter() time.Duration {
	d.jitters += splitmix.Golden
	return time.Duration(splitmix.Mix(d.jitters) % uint64(maxJitter))
}

// staticWith returns the product of our static key and that of a peer.
func (d *Device) staticWith(public PublicKey) ([keyLen]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := d.peers[public]
	if p == nil {
		return [keyLen]byte{}, errUnknown
	}
	return p.static, nil
}

// Next returns when Tick may have something to do; zero if nothing is waiting. Deadlines that data set later are at
// least five seconds ahead, but for two: a session that Reserve lacks or Received confirms, of which they tell, and
// the renewal of a session, for which there is a minute's time.
func (d *Device) Next() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.plan.next()
}

// States returns what the peers look like.
func (d *Device) States(now time.Time) (all []PeerState) {
	d.mu.Lock()
	n := len(d.peers)
	d.mu.Unlock()
	all = make([]PeerState, 0, n) // data wait for the lock: it is no time to ask for memory
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range d.peers {
		all = append(all, p.state(now))
	}
	return all
}

// Live returns how many receiver indices are in use: at most four for each peer.
func (d *Device) Live() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.indices)
}

// Tally returns the counters so far. It takes no lock: those of one message may not be there all at once.
func (d *Device) Tally() Tally { return d.tally.load() }
