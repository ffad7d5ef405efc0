package suite

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/tunnelbench/tunnelbench/internal/bounded"
	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// journalSchema names the version of the journal that this package writes.
const journalSchema = "tunnelbench.journal/1"

// Limits of a journal that is read: its bytes, and those of a line.
const (
	mostJournal     = 128 << 20
	mostJournalLine = 1 << 20
)

// JournalKey identifies a run: only trials with the same key are combined.
type JournalKey struct {
	Kernel   string `json:"kernel"`
	Commit   string `json:"commit"`
	CPUPlan  string `json:"cpu_plan"`
	Settings string `json:"settings"` // all settings of the run, on one line
}

// journalHead is the first line of a journal.
type journalHead struct {
	Schema string     `json:"schema"`
	Key    JournalKey `json:"key"`
}

// journalLine is one measurement.
type journalLine struct {
	DUT         string               `json:"dut"`
	Trial       *rfc2544.Trial       `json:"trial,omitempty"`
	Reset       *rfc2544.Reset       `json:"reset,omitempty"`
	Observation *rfc2544.Observation `json:"observation,omitempty"`
	Unsupported string               `json:"unsupported,omitempty"` // why the trial cannot be run with this device
	Explored    *explored            `json:"explored,omitempty"`
}

// explored is the result of Setup.Explore for a device and frame size.
type explored struct {
	Size    rfc2544.FrameSize `json:"frame_size"`
	Ceiling rfc2544.Rate      `json:"ceiling_fps"`
	Hint    rfc2544.Rate      `json:"hint_fps"`
}

// Journal records every trial of a run as a line of JSON before the next trial begins. The
// procedures are deterministic: a resumed run asks for the same trials again. The journal returns
// the recorded ones, and measuring goes on where it ends.
//
//	procedure -> Measure -> in the journal? -yes-> as recorded
//	                             '- no -> measured, and recorded
type Journal struct {
	file     *os.File
	recorded map[string][][]byte // by device; lines not yet returned, decoded when they are: a trial takes many times its text
	Replayed int                 // trials returned from the journal
	Waiting  int                 // trials that the journal had when it was opened
}

// OpenJournal creates the journal at path, or opens an existing one to resume a run. The error
// wraps lab.ErrConfig if the choice to resume does not match the file: it exists but resume is
// false, it has another key, or there is nothing to resume.
func OpenJournal(path string, key JournalKey, resume bool) (*Journal, error) {
	text, err := bounded.File(context.Background(), path, mostJournal)
	switch {
	case errors.Is(err, fs.ErrNotExist) && resume:
		return nil, fmt.Errorf("%w: %s: there is no run to resume: leave --resume out", lab.ErrConfig, path)
	case errors.Is(err, fs.ErrNotExist):
		return createJournal(path, key)
	case err != nil && resume:
		return nil, fmt.Errorf("%w: %w: begin anew with another --out", lab.ErrConfig, err)
	case !resume:
		return nil, fmt.Errorf("%w: %s: holds a run that was cut short: go on with --resume, or remove it", lab.ErrConfig, path)
	}
	j := &Journal{recorded: map[string][][]byte{}}
	whole, err := j.read(text, key)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", lab.ErrConfig, path, err)
	}
	if j.file, err = os.OpenFile(path, os.O_WRONLY, 0); err != nil {
		return nil, err
	}
	if err := j.file.Truncate(int64(whole)); err != nil {
		return nil, errors.Join(err, j.file.Close())
	}
	if _, err := j.file.Seek(int64(whole), 0); err != nil {
		return nil, errors.Join(err, j.file.Close())
	}
	return j, nil
}

func createJournal(path string, key JournalKey) (*Journal, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, err
	}
	j := &Journal{file: f, recorded: map[string][][]byte{}}
	if err := j.append(journalHead{journalSchema, key}); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return j, nil
}

// read parses the lines and returns the length in bytes of the complete ones: a killed run may
// leave an incomplete last line.
func (j *Journal) read(text []byte, key JournalKey) (whole int, err error) {
	for n := 1; ; n++ {
		line, _, ok := bytes.Cut(text[whole:], []byte{'\n'})
		if !ok {
			if n == 1 {
				return 0, errors.New("line 1: is not complete: remove the file")
			}
			return whole, nil
		}
		if n == 1 {
			err = checkHead(line, key)
		} else {
			err = j.take(line)
		}
		if err != nil {
			return 0, fmt.Errorf("line %d: %w", n, err)
		}
		whole += len(line) + 1
	}
}

func (j *Journal) take(line []byte) error {
	var l journalLine
	if err := strict(line, &l); err != nil {
		return err
	}
	if l.Explored == nil && (l.Trial == nil || l.Observation == nil && l.Unsupported == "") {
		return errors.New("a trial without an observation: remove the line")
	}
	j.recorded[l.DUT] = append(j.recorded[l.DUT], line)
	if l.Trial != nil {
		j.Waiting++
	}
	return nil
}

func strict(line []byte, into any) error {
	if len(line) > mostJournalLine {
		return fmt.Errorf("is longer than %s: remove it", bounded.Size(mostJournalLine))
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%w: not a line of a journal: remove it", err)
	}
	return nil
}

// checkHead returns an error that names the first difference between the keys.
func checkHead(line []byte, key JournalKey) error {
	var head journalHead
	if err := strict(line, &head); err != nil {
		return err
	}
	if head.Schema != journalSchema {
		return fmt.Errorf("schema %q: this build reads %s: remove the file", head.Schema, journalSchema)
	}
	for _, part := range []struct{ name, theirs, ours string }{
		{"kernel", head.Key.Kernel, key.Kernel}, {"commit", head.Key.Commit, key.Commit},
		{"CPU plan", head.Key.CPUPlan, key.CPUPlan}, {"settings", head.Key.Settings, key.Settings},
	} {
		if part.theirs != part.ours {
			return fmt.Errorf("%s %q, and now %q: trials of the two are not put together: resume as it was begun, or choose another --out", part.name, part.theirs, part.ours)
		}
	}
	return nil
}

// append writes a line without buffering.
func (j *Journal) append(line any) error {
	text, err := json.Marshal(line)
	if err != nil {
		return err
	}
	_, err = j.file.Write(append(text, '\n'))
	return err
}

// next returns the device's next line if it is the wanted one. A line that does not match is
// dropped, with all lines after it.
func (j *Journal) next(device string, wanted func(journalLine) bool) (journalLine, bool) {
	lines := j.recorded[device]
	if len(lines) == 0 {
		return journalLine{}, false
	}
	var l journalLine
	if err := strict(lines[0], &l); err != nil || !wanted(l) {
		j.recorded[device] = nil
		return journalLine{}, false
	}
	j.recorded[device] = lines[1:]
	return l, true
}

// Finish closes the journal of a completed run and renames it, so that it stays as a record.
func (j *Journal) Finish(path string) error {
	return errors.Join(j.file.Sync(), j.file.Close(), os.Rename(j.file.Name(), path))
}

// Close closes the journal; the run can be resumed.
func (j *Journal) Close() error { return errors.Join(j.file.Sync(), j.file.Close()) }

// journalled is a set-up with a journal. The device is brought up at the first trial that has to be
// measured.
type journalled struct {
	journal *Journal
	device  string
	up      func(context.Context) (Setup, error)
	observe func(Setup) lab.Resettable
}

// Measure implements rfc2544.Measurer.
func (m journalled) Measure(ctx context.Context, t rfc2544.Trial) (rfc2544.Observation, error) {
	return m.measure(ctx, t, nil)
}

// MeasureReset implements rfc2544.Resetter.
func (m journalled) MeasureReset(ctx context.Context, t rfc2544.Trial, r rfc2544.Reset) (rfc2544.Observation, error) {
	return m.measure(ctx, t, &r)
}

func (m journalled) measure(ctx context.Context, t rfc2544.Trial, r *rfc2544.Reset) (rfc2544.Observation, error) {
	known, ok := m.journal.next(m.device, func(l journalLine) bool {
		sameReset := l.Reset == nil && r == nil || l.Reset != nil && r != nil && *l.Reset == *r
		return l.Trial != nil && *l.Trial == t && sameReset
	})
	if ok {
		m.journal.Replayed++
		if known.Observation == nil {
			return rfc2544.Observation{}, lab.UnsupportedError(known.Unsupported)
		}
		return *known.Observation, nil
	}
	b, err := m.up(ctx)
	if err != nil {
		return rfc2544.Observation{}, err
	}
	var seen rfc2544.Observation
	if r == nil {
		seen, err = m.observe(b).Measure(ctx, t)
	} else {
		seen, err = m.observe(b).MeasureReset(ctx, t, *r)
	}
	if errors.Is(err, errors.ErrUnsupported) {
		return seen, errors.Join(err, m.journal.append(journalLine{DUT: m.device, Trial: &t, Reset: r, Unsupported: err.Error()}))
	}
	if err != nil {
		return seen, err
	}
	return seen, m.journal.append(journalLine{DUT: m.device, Trial: &t, Reset: r, Observation: &seen})
}

// explore calls Setup.Explore once per run.
func (m journalled) explore(ctx context.Context, size rfc2544.FrameSize) (explored, error) {
	known, ok := m.journal.next(m.device, func(l journalLine) bool { return l.Explored != nil && l.Explored.Size == size })
	if ok {
		return *known.Explored, nil
	}
	b, err := m.up(ctx)
	if err != nil {
		return explored{}, err
	}
	e := explored{Size: size}
	if e.Ceiling, e.Hint, err = b.Explore(ctx, size); err != nil {
		return e, err
	}
	return e, m.journal.append(journalLine{DUT: m.device, Explored: &e})
}
