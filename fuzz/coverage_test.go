package fuzz

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// decoderFiles are the files that read untrusted bytes.
var decoderFiles = []string{
	"reference/wire/header.go", "reference/wire/window.go", "reference/decap.go", "reference/encap.go", "reference/peers.go", "reference/endfile/endfile.go", "internal/strictyaml/strictyaml.go",
	"reference/inner/ip.go", "reference/offload/split.go", "reference/offload/merge.go", "reference/offload/virtio.go",
	"loadgen/signature/signature.go", "loadgen/afpacket/receiver.go", "internal/sys/frame.go",
	"rfc2544/mlrsearch/replay.go", "rfc2544/mlrsearch/ratio.go", "reports/result/json.go", "internal/strictjson/scan.go",
	"reference/wireguard/device.go", "reference/wireguard/handshake.go", "reference/wireguard/data.go", "reference/wireguard/keypair.go", "reference/wireguard/peer.go",
	"reference/wireguard/mac.go", "reference/wireguard/message.go", "reference/wireguard/noise.go", "reference/wireguard/limiter.go", "reference/wireguard/staged.go",
	"reference/wireguard/schedule.go", "reference/wireguard/tick.go", "reference/wireguard/timers.go", "reference/sealed.go", "reference/wgquick/keys.go", "reference/wgquick/wgquick.go",
}

// uncoveredFile lists the blocks that the corpus does not reach: file, first line of the block and reason,
// separated by tabs.
const uncoveredFile = "uncovered.txt"

// leastCoverage is a share of the statements.
const leastCoverage = 0.95

// TestCorpusCoversTheDecoders checks that seeds and testdata reach nearly all statements of the decoders,
// and that uncoveredFile has a reason for every other block.
func TestCorpusCoversTheDecoders(t *testing.T) {
	blocks := corpusCoverage(t)
	known := readUncovered(t)
	all, covered := 0, 0
	needed := map[string]bool{}
	for _, file := range decoderFiles {
		source := sourceLines(t, file)
		for place, b := range blocks {
			if place.file != file {
				continue
			}
			all += b.statements
			if b.covered {
				covered += b.statements
				continue
			}
			key := file + "\t" + strings.TrimSpace(source[place.line-1])
			needed[key] = true
			if !slices.Contains(known, key) && b.statements > 0 {
				t.Errorf("%s:%d is not reached by the corpus, and %s has no reason for it: %s", file, place.line, uncoveredFile, key)
			}
		}
	}
	for _, key := range known {
		if !needed[key] {
			t.Errorf("%s: remove this line, because the corpus reaches the block or the block is gone: %s", uncoveredFile, key)
		}
	}
	if all == 0 {
		t.Fatal("no decoder in the profile")
	}
	share := float64(covered) / float64(all)
	t.Logf("%d of %d statements, %.1f %%", covered, all, 100*share)
	if share < leastCoverage {
		t.Errorf("the corpus covers %.1f %% of the decoders' statements, want %.0f", 100*share, 100*leastCoverage)
	}
}

type place struct {
	file string
	line int
	rest string // the columns and the end
}

type block struct {
	statements int
	covered    bool
}

// corpusCoverage runs every target on its corpus only.
func corpusCoverage(t *testing.T) map[place]block {
	profile := filepath.Join(t.TempDir(), "profile")
	packages := []string{}
	for _, file := range decoderFiles {
		if p := "./" + filepath.Dir(file); !slices.Contains(packages, p) {
			packages = append(packages, p)
		}
	}
	targets := []string{"test", "-run", "^Fuzz", "-vet=off", "-coverpkg=" + strings.Join(packages, ","), "-coverprofile", profile}
	for _, target := range Targets() {
		if p := "./" + target.Package; !slices.Contains(targets, p) {
			targets = append(targets, p)
		}
	}
	cmd := exec.Command("go", targets...)
	cmd.Dir = ".."
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return readProfile(t, profile)
}

// readProfile adds up the coverage of each package's tests.
func readProfile(t *testing.T, name string) map[place]block {
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	blocks := map[place]block{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		file, rest, ok := strings.Cut(strings.TrimPrefix(lines.Text(), module+"/"), ":")
		if !ok || file == "mode" {
			continue
		}
		p := place{file: file}
		var statements, count int
		if _, err := fmt.Sscanf(rest, "%d.%s %d %d", &p.line, &p.rest, &statements, &count); err != nil {
			t.Fatalf("%q: %v", lines.Text(), err)
		}
		blocks[p] = block{statements, blocks[p].covered || count > 0}
	}
	return blocks
}

// readUncovered returns the lines of uncoveredFile without their reasons.
func readUncovered(t *testing.T) (known []string) {
	data, err := os.ReadFile(uncoveredFile)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimRight(line, "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Split(line, "\t")
		if len(fields) != 3 || fields[2] == "" {
			t.Errorf("%s: %q: want file, line and reason, separated by tabs", uncoveredFile, line)
			continue
		}
		known = append(known, fields[0]+"\t"+fields[1])
	}
	return known
}

func sourceLines(t *testing.T, file string) []string {
	data, err := os.ReadFile(filepath.Join("..", file))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(data), "\n")
}
