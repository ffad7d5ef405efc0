package recipes_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tunnelbench/tunnelbench/reference"
	"github.com/tunnelbench/tunnelbench/reference/settings"
	"github.com/tunnelbench/tunnelbench/reference/stats"
	"github.com/tunnelbench/tunnelbench/reference/wire"
)

// The ends of the vectors: everything is behind the one peer.
var (
	here  = netip.MustParseAddrPort("192.0.2.1:4754")
	there = netip.MustParseAddrPort("192.0.2.2:4754")
	every = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
)

// writer writes vectors: a question, and what the reference tunnel answers.
type writer struct {
	text      bytes.Buffer
	mtu       int
	end       *reference.End
	delivered []byte // by the last open; nil if it was dropped
	rng       *rand.Rand
}

// newEnd makes an end that numbers its datagrams from first.
func newEnd(mtu int, first uint64, deliver func([]byte), send func(netip.AddrPort, []byte)) *reference.End {
	c := settings.Defaults(settings.TUN)
	c.Dev, c.Listen, c.MTU, c.Offloads = "tb0", here, mtu, false
	c.Peers = []settings.Peer{{ID: 1, Endpoint: there, Prefixes: every}}
	e, err := reference.NewEnd(c, first, deliver, send)
	if err != nil {
		panic(err) // the test is wrong
	}
	return e
}

func (w *writer) comment(format string, args ...any) {
	fmt.Fprintf(&w.text, "\n# "+format+"\n", args...)
}

// begin begins anew, with an end that has received nothing.
func (w *writer) begin(mtu int) {
	w.mtu = mtu
	w.end = newEnd(mtu, 0, func(packet []byte) { w.delivered = bytes.Clone(packet) }, nil)
	fmt.Fprintf(&w.text, "end %d\n", mtu)
}

// seal asks for the datagram of a packet.
func (w *writer) seal(sequence uint64, packet []byte) {
	var sent []byte
	e := newEnd(w.mtu, sequence, nil, func(_ netip.AddrPort, datagram []byte) { sent = bytes.Clone(datagram) })
	e.Encap(packet)
	fmt.Fprintf(&w.text, "seal %d %x = %x\n", sequence, packet, sent)
}

// open asks what becomes of a datagram.
func (w *writer) open(datagram []byte) {
	before := w.end.Stats().Decap.Drops
	w.delivered = nil
	w.end.Decap(there, bytes.Clone(datagram), 0)
	fmt.Fprintf(&w.text, "open %x = ", datagram)
	after := w.end.Stats().Decap.Drops
	for drop := range stats.NumDrops {
		if after[drop] > before[drop] {
			fmt.Fprintln(&w.text, drop)
			return
		}
	}
	fmt.Fprintf(&w.text, "accepted %x\n", w.delivered)
}

// packet returns an inner packet of a version with random bytes behind its first one.
func (w *writer) packet(version, n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(w.rng.Uint32())
	}
	if n > 0 {
		p[0] = byte(version)<<4 | p[0]&15
	}
	return p
}

// datagram returns a sound datagram, which may be one of another tunnel.
func datagram(tunnel uint32, sequence uint64, packet []byte) []byte {
	d := append(make([]byte, wire.HeaderLen), packet...)
	wire.PutHeader(d, tunnel, sequence)
	return d
}

func (w *writer) numbered(sequences ...uint64) {
	packet := w.packet(4, 20)
	for _, s := range sequences {
		w.open(datagram(1, s, packet))
	}
}

// edges are sequence numbers at the edges of their halves.
var edges = []uint64{0, 1, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 32, 1<<53 + 1, 1<<63 - 1, 1 << 63, 1<<64 - 1}

func (w *writer) seals() {
	w.comment("Sealing: sequence numbers, then lengths, among them those around which checksums change their way.")
	w.begin(4000)
	for _, s := range edges {
		w.seal(s, w.packet(4, 20))
	}
	for n := range 9 {
		w.seal(7, w.packet(6, 40+n))
	}
	for _, n := range []int{46, 84, 150, 238, 494, 743, 750, 751, 1006, 1500, 1501, 1518, 2300, 4000} {
		w.seal(7, w.packet(4, n))
	}
}

func (w *writer) opens() {
	w.comment("Opening: sound datagrams, and damaged ones.")
	w.begin(1500)
	for i, s := range edges {
		w.open(datagram(1, s, w.packet(4+i%2*2, 40+i)))
	}
	w.begin(1500)
	for i, n := range []int{20, 750, 751, 1499, 1500, 1501, 1600, 4000} {
		w.open(datagram(1, uint64(i), w.packet(4, n)))
	}
	sound := datagram(1, 100, w.packet(4, 46))
	for n := range wire.HeaderLen + 2 {
		w.open(sound[:n])
	}
	w.open(sound[:len(sound)-1])
	w.open(append(bytes.Clone(sound), 0))
	for bit := range wire.HeaderLen * 8 {
		damaged := bytes.Clone(sound)
		damaged[bit/8] ^= 1 << (bit % 8)
		w.open(damaged)
	}
	for _, at := range []int{wire.HeaderLen, wire.HeaderLen + 20, len(sound) - 1} {
		damaged := bytes.Clone(sound)
		damaged[at] ^= 0x80
		w.open(damaged)
	}
	w.open(sound)
	w.open(sound)
	for _, tunnel := range []uint32{0, 2, 0x100, 0x1000000, 1<<32 - 1} {
		w.open(datagram(tunnel, 101, w.packet(4, 46)))
	}
	for version := range 16 {
		for _, n := range []int{1, 19, 20, 39, 40} {
			w.open(datagram(1, uint64(200+version*50+n), w.packet(version, n)))
		}
	}
	w.open(datagram(1, 199, nil))
}

func (w *writer) windows() {
	const far = uint64(1) << 62
	w.comment("The replay window: its edges.")
	w.begin(1500)
	w.numbered(0, 0, 1<<40, 1<<40, 1<<40-wire.WindowSize, 1<<40-wire.WindowSize, 1<<40-wire.WindowSize-1, 0, 1<<64-1, 1<<64-1, 1<<40)
	for _, start := range []uint64{1000, 1<<32 - 4000, 1<<53 - 4000, 1<<63 - 4000, 1<<64 - 12000} {
		w.comment("The replay window from %d: in order, late, twice, and over gaps.", start)
		w.begin(1500)
		w.walk(start)
	}
	w.comment("A sender that begins anew: a row of numbers far behind, and rows that are none.")
	for _, row := range [][]uint64{
		rising(1000, 20, 1), rising(1000, 18, wire.WindowSize), rising(1000, 20, wire.WindowSize+1), rising(1000, 20, 0),
		rising(1<<40, 20, ^uint64(0)), append(rising(1000, 15, 1), append([]uint64{far + 1}, rising(2000, 17, 1)...)...),
		append(rising(1000, 15, 1), far, 2000), rising(far-wire.RestartGap+1, 17, 1), rising(far-wire.RestartGap-16, 17, 1),
	} {
		w.begin(1500)
		w.numbered(far)
		w.numbered(row...)
		w.numbered(far)
	}
}

func rising(first uint64, n int, step uint64) (row []uint64) {
	for i := range uint64(n) {
		row = append(row, first+i*step)
	}
	return row
}

// walk opens datagrams with numbers that rise and now and then do not.
func (w *writer) walk(at uint64) {
	for range 100 {
		sequence := at
		switch w.rng.IntN(6) {
		case 0: // around the far edge
			sequence = at - min(at, wire.WindowSize-2+w.rng.Uint64N(4))
		case 1:
			sequence = at - min(at, w.rng.Uint64N(300))
		case 2: // over a gap
			at += w.rng.Uint64N(500)
			sequence = at
		default:
			at++
			sequence = at
		}
		w.numbered(sequence)
	}
}

const top = `# Questions about the reference tunnel's plain format (reference/wire), with tunnel id 1 and one peer, and its
# answers. recipes/lang_test.go makes this file of what the reference tunnel does. A program that is started with
# --vectors copies it from stdin to stdout, with its own answers behind " = ".
#
#   end MTU              a new end, which has received nothing
#   seal NUMBER PACKET   the datagram that the packet is sent in
#   open DATAGRAM        accepted and the packet, or the name of the counter that counts why not
`

func vectors() []byte {
	w := &writer{rng: rand.New(rand.NewPCG(21, 15))}
	w.text.WriteString(top)
	w.seals()
	w.opens()
	w.windows()
	return w.text.Bytes()
}

const vectorsFile = "lang/vectors.txt"

// The file is what the reference tunnel answers. TB_UPDATE=1 writes it anew.
func TestVectorsAreTheReferences(t *testing.T) {
	t.Parallel()
	want := vectors()
	if os.Getenv("TB_UPDATE") != "" {
		if err := os.WriteFile(vectorsFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := firstDifference(want, got); diff != "" {
		t.Errorf("%s: TB_UPDATE=1 writes it anew: %s", vectorsFile, diff)
	}
	for _, answer := range []string{"accepted", "oversize", "short", "length", "tunnel", "checksum", "inner", "replay", "old"} {
		if !bytes.Contains(got, []byte(" = "+answer)) {
			t.Errorf("no vector is answered %s", answer)
		}
	}
	if !bytes.Contains(got, []byte(hex.EncodeToString(datagram(1, 1<<63, nil)[:12]))) {
		t.Error("no datagram has the number 2^63")
	}
}

// firstDifference shows the first line in which two texts differ; it is empty if they do not.
func firstDifference(want, got []byte) string {
	wants, gots := strings.Split(string(want), "\n"), strings.Split(string(got), "\n")
	for i := range max(len(wants), len(gots)) {
		var a, b string
		if i < len(wants) {
			a = wants[i]
		}
		if i < len(gots) {
			b = gots[i]
		}
		if a != b {
			return fmt.Sprintf("line %d of %d, of %d wanted: %s", i+1, len(gots), len(wants), cmp.Diff(a, b))
		}
	}
	return ""
}
