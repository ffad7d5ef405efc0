package fuzz

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tunnelbench/tunnelbench/fuzz/report"
	"github.com/tunnelbench/tunnelbench/internal/tempdir"
)

// Merged is the result of a merge.
type Merged struct {
	Dir               string // the target's testdata
	Read, Kept, Added int
	Skipped           []error // files that could not be read
	Broken            []error // inputs that break an oracle
}

// Merge adds inputs of the folders to a target's testdata, smallest first, if they reach code that no
// earlier input reached. It builds this command with coverage counters (`go build -cover`) and runs each
// input in a process of its own. It does not add inputs that break an oracle.
func Merge(ctx context.Context, t Target, dirs []string) (m Merged, err error) {
	if err := folders(dirs); err != nil {
		return m, err
	}
	root, err := Root()
	if err != nil {
		return m, err
	}
	m.Dir = t.testdata(root)
	work, err := tempdir.MakeForPrograms("tunnelbench-merge-")
	if err != nil {
		return m, err
	}
	defer os.RemoveAll(work)
	c, err := newCounter(ctx, places{root: root, work: work}, t)
	if err != nil {
		return m, err
	}
	inputs := m.read(dirs)
	if m.Kept, err = c.addCommitted(ctx, m.Dir); err != nil {
		return m, err
	}
	for _, data := range inputs {
		if err := m.add(ctx, c, data); err != nil {
			return m, err
		}
	}
	return m, nil
}

// Err returns nil if all inputs could be read and none breaks an oracle.
func (m Merged) Err() error {
	switch {
	case len(m.Skipped) > 0:
		return fmt.Errorf("%w: %d files could not be read", ErrInput, len(m.Skipped))
	case len(m.Broken) > 0:
		return fmt.Errorf("%w: %d inputs break an oracle", report.ErrFinding, len(m.Broken))
	}
	return nil
}

// folders returns an error for the first path that is not a folder.
func folders(dirs []string) error {
	for _, dir := range dirs {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			return fmt.Errorf("%w: %s: no folder of inputs", ErrInput, dir)
		}
	}
	return nil
}

// read returns the inputs of the folders, smallest first.
func (m *Merged) read(dirs []string) (inputs [][]byte) {
	for _, dir := range dirs {
		more, skipped := readCorpus(dir)
		inputs, m.Skipped = append(inputs, more...), append(m.Skipped, skipped...)
	}
	m.Read = len(inputs)
	slices.SortFunc(inputs, func(a, b []byte) int { return cmp.Or(len(a)-len(b), bytes.Compare(a, b)) })
	return inputs
}

// add writes an input to the testdata if it reaches new code.
func (m *Merged) add(ctx context.Context, c *counter, data []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	fresh, err := c.adds(ctx, data)
	if errors.Is(err, errBroken) {
		m.Broken = append(m.Broken, err)
		return nil
	}
	if err != nil || !fresh {
		return err
	}
	if err := writeAside(filepath.Join(m.Dir, inputName(data)), encodeInput(data)); err != nil {
		return err
	}
	m.Kept, m.Added = m.Kept+1, m.Added+1
	return nil
}

var errBroken = errors.New("breaks an oracle")

// counter measures which code of this module an input reaches.
type counter struct {
	places  places
	target  Target
	program string
	dir     string
	reached map[string]bool // blocks of code, by all inputs so far
}

// decoders are the packages with coverage counters: all that read untrusted bytes, and the command,
// without which a build has no counters.
const decoders = "./cmd/tunnelbench,./reference,./reference/inner,./reference/wire,./reference/offload,./loadgen/signature," +
	"./rfc2544,./rfc2544/mlrsearch,./reports/result,./internal/strictjson,./internal/strictyaml,./netns/dut,./internal/sys"

func newCounter(ctx context.Context, p places, t Target) (*counter, error) {
	c := &counter{
		places: p, target: t, program: filepath.Join(p.work, "tunnelbench"), dir: filepath.Join(p.work, "counters"), reached: map[string]bool{},
	}
	return c, p.tool(ctx, "go", "build", "-cover", "-covermode=set", "-coverpkg="+decoders, "-o", c.program, "./cmd/tunnelbench")
}

// addCommitted marks the code that the target's seeds and its testdata reach. It keeps all of them,
// because each was committed for a reason, such as a finding. It returns the number of files.
func (c *counter) addCommitted(ctx context.Context, dir string) (files int, err error) {
	committed, skipped := readCorpus(dir)
	if skipped != nil {
		return 0, fmt.Errorf("%w: %w", ErrInput, skipped[0])
	}
	for _, data := range append(c.target.Seeds(), committed...) {
		if _, err := c.adds(ctx, data); err != nil {
			return 0, err
		}
	}
	return len(committed), nil
}

// adds marks the code that an input reaches and reports whether any of it is new. The process ends right
// after the input, so that it counts only the input and its own start.
func (c *counter) adds(ctx context.Context, data []byte) (fresh bool, err error) {
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
		return false, fmt.Errorf("input %s of %d bytes %w: run fuzz repro for details", inputName(data), len(data), errBroken)
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
		if covered && !c.reached[block] {
			c.reached[block], fresh = true, true
		}
	}
	return fresh, nil
}
