package wireguard

import "time"

// Times of section 6.1.
const (
	rekeyTimeout     = 5 * time.Second
	keepaliveTimeout = 10 * time.Second
	silenceTimeout   = keepaliveTimeout + rekeyTimeout
	maxAttempts      = 18 // retries in 90 s, the time after which an end gives up
	zeroAfter        = 3 * rejectAfterTime
	maxJitter        = 334 * time.Millisecond
	// rekeyOnReceive is the age at which an initiator that only receives begins a new session.
	rekeyOnReceive = rejectAfterTime - keepaliveTimeout - rekeyTimeout
	// initiationInterval is the least time between two initiations of a peer that are answered.
	initiationInterval = 20 * time.Millisecond
)

// timers are the deadlines of a peer; a zero time is not armed.
type timers struct {
	retransmit time.Time // no answer to our initiation
	keepalive  time.Time // data came in, and nothing went out
	another    bool      // more data came in since
	silence    time.Time // data went out, and nothing came in
	zero       time.Time // the keys are to be erased
	persistent time.Time
	every      time.Duration // of persistent; 0: off
	initiate   time.Time     // a new session is wanted
	fresh      bool          // and this is not a retry
	flush      bool          // staged packets can go
	attempts   int
}

// due reports whether a deadline has come.
func due(deadline, now time.Time) bool { return !deadline.IsZero() && !deadline.After(now) }

// earliest returns the first of two deadlines.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// next returns the peer's first deadline; zero if none is armed.
func (t *timers) next() (at time.Time) {
	for _, d := range [...]time.Time{t.retransmit, t.keepalive, t.silence, t.zero, t.persistent, t.initiate} {
		at = earliest(at, d)
	}
	return at
}

// want asks for a new session, unless an answer to our last message is still awaited. A retry does not count the
// attempts anew.
func (t *timers) want(now time.Time, fresh bool) {
	if t.initiate.IsZero() && t.retransmit.IsZero() {
		t.initiate = now
	}
	t.fresh = t.fresh || fresh
}

// sent notes that an authenticated message was sent.
func (t *timers) sent(now time.Time) {
	t.keepalive, t.another = time.Time{}, false
	t.traversed(now)
}

// sentData notes that a packet was sent.
func (t *timers) sentData(now time.Time, jitter time.Duration) {
	t.sent(now)
	if t.silence.IsZero() {
		t.silence = now.Add(silenceTimeout + jitter)
	}
}

// received notes that an authenticated message came in, with or without a packet.
func (t *timers) received(now time.Time, data bool) {
	t.silence = time.Time{}
	t.traversed(now)
	switch {
	case !data:
	case t.keepalive.IsZero():
		t.keepalive = now.Add(keepaliveTimeout)
	default:
		t.another = true
	}
}

// traversed notes that any authenticated message went in or out.
func (t *timers) traversed(now time.Time) {
	if t.every > 0 {
		t.persistent = now.Add(t.every)
	}
}

// keep sets the persistent keepalive. Turned on, it sends at once; changed, after its time.
func (t *timers) keep(now time.Time, every time.Duration) {
	switch {
	case t.every == every:
		return
	case every == 0:
		t.persistent = time.Time{}
	case t.every == 0:
		t.persistent = now
	default:
		t.persistent = now.Add(every)
	}
	t.every = every
}

// completed notes that a handshake is over.
func (t *timers) completed() {
	t.retransmit, t.attempts, t.initiate, t.fresh = time.Time{}, 0, time.Time{}, false
}

// derived notes that there are new keys.
func (t *timers) derived(now time.Time) { t.zero = now.Add(zeroAfter) }
