package fuzz

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Merged is what became of a merge.
type Merged struct {
	Dir               string // the target's testdata
	Read, Kept, Added int
	Skipped           []error // files that could not be read
	Broken            []error // inputs that break an oracle
}

// Merge takes the inputs of folders, smallest first, and adds to a target's
// testdata each that reaches what none before it reached. It builds this command with the
// counters of `go build -cover` and runs each input in a process of its own. Inputs that break
// an oracle are no seeds.
func Merge(ctx context.Context, t Target, dirs []string) (m Merged, err error) {
	root, err := Root()
	if err != nil {
		return m, err
	}
	m.Dir = t.testdata(root)
	work, err := os.MkdirTemp("", "tunnelbench-merge-")
	if err != nil {
		return m, err
	}
	defer os.RemoveAll(work)
	c, err := newCounter(ctx, places{root: root, work: work}, t)
	if err != nil {
		return m, err
	}
	var inputs [][]byte
	for _, dir := range dirs {
		more, skipped := readCorpus(dir)
		inputs, m.Skipped = append(inputs, more...), append(m.Skipped, skipped...)
	}
	m.Read = len(inputs)
	reached := map[string]bool{}
	committed, skipped := readCorpus(m.Dir) // each is there for a reason, a finding's seed above all
	if skipped != nil {
		return m, fmt.Errorf("%w: %w", ErrCorpus, skipped[0])
	}
	for _, data := range append(t.Seeds(), committed...) {
		if _, err := c.adds(ctx, data, reached); err != nil {
			return m, err
		}
	}
	m.Kept = len(committed)
	slices.SortFunc(inputs, func(a, b []byte) int {
		if d := len(a) - len(b); d != 0 {
			return d
		}
		return bytes.Compare(a, b)
	})
	for _, data := range inputs {
		if err := ctx.Err(); err != nil {
			return m, err
		}
		fresh, err := c.adds(ctx, data, reached)
		switch {
		case errors.Is(err, errBroken):
			m.Broken = append(m.Broken, err)
			continue
		case err != nil:
			return m, err
		case !fresh:
			continue
		}
		if err := writeAside(filepath.Join(m.Dir, inputName(data)), encodeInput(data)); err != nil {
			return m, err
		}
		m.Kept, m.Added = m.Kept+1, m.Added+1
	}
	return m, nil
}

var errBroken = errors.New("breaks an oracle")

// counter says which code of this module an input runs through.
type counter struct {
	places  places
	target  Target
	program string
	dir     string
}

// decoders are the packages that read octets from outside, and the command,
// without which a build has no counters.
const decoders = "./cmd/tunnelbench,./reference,./reference/inner,./loadgen,./rfc2544,./reports,./netns/dut,./internal/sys"

func newCounter(ctx context.Context, p places, t Target) (*counter, error) {
	c := &counter{places: p, target: t, program: filepath.Join(p.work, "tunnelbench"), dir: filepath.Join(p.work, "counters")}
	return c, p.tool(ctx, "go", "build", "-cover", "-covermode=set", "-coverpkg="+decoders, "-o", c.program, "./cmd/tunnelbench")
}

// adds marks what an input reaches, and tells whether any of it is new. The program ends as soon
// as the input is done with, so that the counters are those of this input, and of the start, alone.
func (c *counter) adds(ctx context.Context, data []byte, reached map[string]bool) (fresh bool, err error) {
	if err := errors.Join(os.RemoveAll(c.dir), os.Mkdir(c.dir, 0o755)); err != nil {
		return false, err
	}
	limited, cancel := context.WithTimeout(ctx, inputLimit)
	defer cancel()
	cmd := exec.CommandContext(limited, c.program, helperName, c.target.Name)
	ownGroup(cmd)
	cmd.Env = append(os.Environ(), "GOCOVERDIR="+c.dir)
	cmd.Stdin = bytes.NewReader(framed(data))
	out, err := cmd.Output()
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if err != nil || !strings.HasPrefix(string(out), `{"oracle":"",`) {
		return false, fmt.Errorf("input %s of %d octets %w: fuzz repro says which", inputName(data), len(data), errBroken)
	}
	profile := c.dir + ".txt"
	if err := c.places.tool(ctx, "go", "tool", "covdata", "textfmt", "-i="+c.dir, "-o="+profile); err != nil {
		return false, err
	}
	text, err := os.ReadFile(profile)
	if err != nil {
		return false, err
	}
	for line := range strings.Lines(string(text)) {
		block, covered := strings.CutSuffix(strings.TrimSpace(line), " 1") // -covermode=set
		if covered && !reached[block] {
			reached[block], fresh = true, true
		}
	}
	return fresh, nil
}
