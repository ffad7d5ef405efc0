package sealed

import (
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/tunnelbench/tunnelbench/reference/wireguard"
)

// floodVariable is an environment variable: how many messages of each kind, also of those that cost curve operations.
const floodVariable = "TB_FLOOD"

// TestFloods sends one message of each kind a million times (2,000 times if it costs a curve operation each,
// unless TB_FLOOD says how many). The answers keep to the rules, and nothing is left behind.
func TestFloods(t *testing.T) {
	const all, costlyOnes = 1_000_000, 2_000
	for _, c := range []struct {
		name  string
		make  func(s *scene, random *rand.ChaCha8) []byte
		busy  bool
		times int
		sent  int // at most
	}{
		{"malformed", junk, false, all, 0},
		{"wrong mac1", wrongMAC, false, all, 0},
		{"replayed initiation", replayed, false, costlyOnes, 0},
		{"replayed initiation, under load", replayed, true, all, 1000},
		{"right mac1, random rest", signed, false, costlyOnes, 0},
		{"right mac1, random rest, under load", signed, true, all, 1000},
		{"live index, wrong tag", wrongTag, false, all, 0},
		{"unknown index", unknown, false, all, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			if n, err := strconv.Atoi(os.Getenv(floodVariable)); err == nil {
				c.times = n
			}
			s := newScene()
			message := c.make(s, rand.NewChaCha8([32]byte{1}))
			heap, goroutines := heapInUse(), runtime.NumGoroutine()
			sent := 0
			work := make([]byte, len(message))
			for range c.times {
				copy(work, message)
				r := s.target.receive(s.now, work, sources[3], c.busy)
				if r.taken || len(r.sends) > 1 || len(r.sends) == 1 && len(r.sends[0].Datagram) > len(message) {
					t.Fatalf("%+v", r)
				}
				sent += len(r.sends)
			}
			if sent > c.sent {
				t.Errorf("%d answers, want %d at most", sent, c.sent)
			}
			if now := s.observe(); now != s.state {
				t.Errorf("%+v, was %+v", now, s.state)
			}
			if grown := heapInUse() - heap; grown > 64<<10 || runtime.NumGoroutine() > goroutines {
				t.Errorf("%d bytes more of heap, %d goroutines, %d before", grown, runtime.NumGoroutine(), goroutines)
			}
			s.now = s.now.Add(2 * time.Second) // no longer under load
			s.works(kindData)
			s.works(kindResponse)
		})
	}
}

// heapInUse returns the bytes of live objects.
func heapInUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func junk(*scene, *rand.ChaCha8) []byte { return make([]byte, wireguard.InitiationLen-1) }

func wrongMAC(_ *scene, random *rand.ChaCha8) []byte {
	message := make([]byte, wireguard.InitiationLen)
	random.Read(message[4:])
	message[0] = byte(wireguard.Initiation)
	return message
}

func replayed(s *scene, _ *rand.ChaCha8) []byte { return s.stale[0] }

func signed(s *scene, random *rand.ChaCha8) []byte {
	message := wrongMAC(s, random)
	sign(message, s.target.device.Public())
	return message
}

func wrongTag(s *scene, _ *rand.ChaCha8) []byte {
	message := append([]byte(nil), s.fresh[kindData]...)
	message[len(message)-1] ^= 1
	return message
}

func unknown(s *scene, _ *rand.ChaCha8) []byte {
	message := append([]byte(nil), s.fresh[kindData]...)
	message[4] ^= 1
	return message
}
