package suite

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/tunnelbench/tunnelbench/internal/bounded"
	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/reports/result"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// journalSchema names the version of the journal that this package writes.
const journalSchema = "tunnelbench.journal/1"

// Limits of a journal that is read: the bytes of a line, its lines and its devices.
const (
	mostJournalLine    = 1 << 20
	mostJournalLines   = 4 << 20
	mostJournalDevices = 256
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
//
// The journal of a long run is larger than what may be in memory: a line is read when it is asked for.
type Journal struct {
	file     *os.File
	end      int64             // of the file's whole lines
	recorded map[string][]span // by device; lines not yet returned
	Replayed int               // trials returned from the journal
	Waiting  int               // trials that the journal had when it was opened
}

// span is the place of a line in the file.
type span struct {
	at     int64
	length int32
}

// OpenJournal creates the journal at path, or opens an existing one to resume a run. The error
// wraps lab.ErrConfig if the choice to resume does not match the file: it exists but resume is
// false, it has another key, or there is nothing to resume.
func OpenJournal(ctx context.Context, path string, key JournalKey, resume bool) (*Journal, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && resume:
		return nil, fmt.Errorf("%w: %s: there is no run to resume: leave --resume out", lab.ErrConfig, path)
	case errors.Is(err, fs.ErrNotExist):
		return createJournal(path, key)
	case err == nil && !info.Mode().IsRegular():
		return nil, fmt.Errorf("%w: %s: is no regular file: begin anew with another --out", lab.ErrConfig, path)
	case !resume:
		return nil, fmt.Errorf("%w: %s: holds a run that was cut short: go on with --resume, or remove it", lab.ErrConfig, path)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: %w: begin anew with another --out", lab.ErrConfig, err)
	}
	j := &Journal{file: f, recorded: map[string][]span{}}
	if err := j.read(ctx, key); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %s: %w", lab.ErrConfig, path, err), f.Close())
	}
	if err := f.Truncate(j.end); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return j, nil
}

// IsJournal reports whether a file begins as a journal does.
func IsJournal(path string) bool {
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	begin := []byte(`{"schema":"tunnelbench.journal/`)
	got := make([]byte, len(begin))
	_, err = io.ReadFull(f, got)
	return err == nil && bytes.Equal(got, begin)
}

func createJournal(path string, key JournalKey) (*Journal, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, err
	}
	j := &Journal{file: f, recorded: map[string][]span{}}
	if err := j.append(journalHead{journalSchema, key}); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return j, nil
}

// read checks the lines and notes where they are. A killed run may leave an incomplete last line.
func (j *Journal) read(ctx context.Context, key JournalKey) error {
	lines := bufio.NewReaderSize(j.file, mostJournalLine)
	for n := 1; ; n++ {
		line, err := lines.ReadSlice('\n')
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, io.EOF) && n > 1:
			return nil
		case errors.Is(err, io.EOF):
			err = errors.New("is not complete: remove the file")
		case errors.Is(err, bufio.ErrBufferFull):
			err = fmt.Errorf("is longer than %s: remove it", bounded.Size(mostJournalLine))
		case err != nil:
		case n == 1:
			err = checkHead(line, key)
		case n > mostJournalLines:
			err = fmt.Errorf("is one too many: a journal has at most %d", mostJournalLines)
		default:
			err = j.take(line)
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		j.end += int64(len(line))
	}
}

// take notes the line that begins at the end of those before it.
func (j *Journal) take(line []byte) error {
	var l journalLine
	if err := strict(line, &l); err != nil {
		return err
	}
	if l.Explored == nil && (l.Trial == nil || l.Observation == nil && l.Unsupported == "") {
		return errors.New("a trial without an observation: remove the line")
	}
	switch {
	case len(l.DUT) > result.MaxText:
		return fmt.Errorf("the name of the device is longer than %d bytes", result.MaxText)
	case j.recorded[l.DUT] == nil && len(j.recorded) == mostJournalDevices:
		return fmt.Errorf("is of one device too many: a journal has at most %d", mostJournalDevices)
	}
	j.recorded[l.DUT] = append(j.recorded[l.DUT], span{j.end, int32(len(line))})
	if l.Trial != nil {
		j.Waiting++
	}
	return nil
}

func strict(line []byte, into any) error {
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
	if _, err := j.file.WriteAt(append(text, '\n'), j.end); err != nil {
		return err // the next line takes the place of the torn one
	}
	j.end += int64(len(text)) + 1
	return nil
}

// next returns the device's next line if it is the wanted one. A line that does not match is
// dropped, with all lines after it.
func (j *Journal) next(device string, wanted func(journalLine) bool) (journalLine, bool) {
	lines := j.recorded[device]
	if len(lines) == 0 {
		return journalLine{}, false
	}
	var l journalLine
	text := make([]byte, lines[0].length)
	if _, err := j.file.ReadAt(text, lines[0].at); err != nil || strict(text, &l) != nil || !wanted(l) {
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
