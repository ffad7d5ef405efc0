package dissector

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tunnelbench/tunnelbench/fuzz"
	"github.com/tunnelbench/tunnelbench/internal/testenv"
	"github.com/tunnelbench/tunnelbench/reference/stats"
)

// inputs returns the seeds of all targets whose input is one []byte, and what the campaigns have kept.
func inputs(t *testing.T) (all [][]byte) {
	t.Helper()
	for _, target := range fuzz.Targets() {
		if target.Seeds == nil {
			continue
		}
		all = append(all, target.Seeds()...)
		dir := filepath.Join("..", "..", target.Package, "testdata", "fuzz", "Fuzz"+target.Function)
		entries, err := os.ReadDir(dir)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		for _, e := range entries {
			data, err := fuzz.ReadInput(t.Context(), filepath.Join(dir, e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, data)
		}
	}
	return all
}

// luaError is what Wireshark shows when a script raises an error.
const luaError = "_ws.lua.error"

// luaErrors returns the frames in which the script raised an error.
func luaErrors(t *testing.T, script string, capture []byte) int {
	t.Helper()
	shown := testenv.Tshark(t, capture, with(t, script, "-Y", luaError, "-o", "udp.try_heuristic_first:TRUE")...)
	return strings.Count(shown, "\n")
}

// No input raises an error in the script: the corpora of all targets, each input also cut short and as what a
// tunnel carries.
func TestNoInputRaisesAnError(t *testing.T) {
	t.Parallel()
	var packets [][]byte
	for _, data := range inputs(t) {
		data = data[:min(len(data), 1400)]
		packets = append(packets, udp(t, tunnelPort, data), udp(t, echoPort, data), udp(t, 40001, data), udp(t, tunnelPort, datagram(7, 1, data)), udp(t, tunnelPort, datagram(0, 1, data)))
	}
	whole := datagram(7, 1, udp(t, echoPort, marked(signatureOfTests, 9)))
	for n := range len(whole) {
		packets = append(packets, udp(t, tunnelPort, whole[:n]), udp(t, echoPort, whole[46:][:max(0, n-46)]), udp(t, tunnelPort, datagram(7, 1, whole[18:][:max(0, n-18)])))
	}
	if n := luaErrors(t, Lua, captured(t, packets...)); n > 0 {
		t.Errorf("the script raises an error in %d of %d frames", n, len(packets))
	}
}

// The test above would see one.
func TestAnErrorWouldBeSeen(t *testing.T) {
	t.Parallel()
	const good = "tree:add(f.sequence, tvb(4, 8))"
	broken := strings.Replace(Lua, good, "tree:add(f.sequence, tvb(4, 8000))", 1)
	if broken == Lua {
		t.Fatalf("the script has no %q", good)
	}
	if n := luaErrors(t, broken, captured(t, udp(t, tunnelPort, datagram(7, 1, nil)))); n != 1 {
		t.Errorf("%d frames with an error, want 1", n)
	}
}

// Every word of the script for a drop is one of the tunnel's counters.
func TestWordsAreTheCounters(t *testing.T) {
	t.Parallel()
	_, table, _ := strings.Cut(Lua, "local drops = {\n")
	table, _, _ = strings.Cut(table, "\n}")
	var names []string
	for d := stats.DropNone + 1; d < stats.NumDrops; d++ {
		names = append(names, d.String())
	}
	lines := strings.Split(table, "\n")
	for _, line := range lines {
		word, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if !slices.Contains(names, word) || !strings.Contains(line, `"`+word+": ") {
			t.Errorf("%q is no counter of a tunnel: %v", word, names)
		}
	}
	if len(lines) < 5 {
		t.Errorf("%d words found", len(lines))
	}
}
