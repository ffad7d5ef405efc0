package field

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/internal/atomicfile"
	"github.com/tunnelbench/tunnelbench/internal/bounded"
	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/lab/control"
	"github.com/tunnelbench/tunnelbench/internal/strictjson"
	"github.com/tunnelbench/tunnelbench/reports/behaviour"
	"github.com/tunnelbench/tunnelbench/reports/field"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// Schemas of the files of a run that goes on.
const (
	runSchema    = "tunnelbench.field-run/1"
	recordSchema = "tunnelbench.field-device/1"
)

// Files of a run below its directory.
const (
	runFile      = "field-run.json"
	devicesFiles = "devices"
)

// mostRecord limits a file that is read, in bytes.
const mostRecord = 16 << 20

// Key identifies a run: only measurements with the same key are put together.
type Key struct {
	Kernel   string `json:"kernel"`
	Commit   string `json:"commit"`
	CPUPlan  string `json:"cpu_plan"`
	Settings string `json:"settings"` // on one line, without the devices: more may be added
}

// head is the file of a run.
type head struct {
	Schema  string    `json:"schema"`
	Key     Key       `json:"key"`
	Started time.Time `json:"started"`
	Done    bool      `json:"done"`
}

// record is the file of a device: all that was measured of it.
type record struct {
	Schema string  `json:"schema"`
	Device string  `json:"device"`
	Alone  *alone  `json:"alone,omitempty"` // nil: not yet measured
	Rounds []round `json:"rounds"`

	Behaviour []behaviour.Finding `json:"behaviour"`
}

// alone is what a device showed with nothing beside it.
type alone struct {
	State  field.State   `json:"state"`
	Why    string        `json:"why"`
	Points []field.Point `json:"points"`
	Memory *int64        `json:"memory_bytes,omitempty"`

	Goodput *field.Goodput `json:"goodput,omitempty"`
}

// round is what a device showed beside the control in one bring-up.
type round struct {
	Number int    `json:"round"`          // counted from 0
	Why    string `json:"why"`            // it could not be measured, or not to the end; empty: it could
	Died   bool   `json:"died,omitempty"` // it came up and ended under load
	Sizes  []size `json:"sizes"`
}

// size is the blocks of a round at one frame size.
type size struct {
	Size   rfc2544.FrameSize `json:"frame_size"`
	Blocks []control.Block   `json:"blocks"`
}

// Store is the files of a run.
type Store struct {
	Started time.Time // of the run, before it was ever cut short

	dir     string
	head    head
	records map[string]*record
}

// Open begins a run in a directory, or goes on with the one there. The error wraps lab.ErrConfig if the directory holds
// another run, or one that nobody asked to resume, or none to resume, or a damaged file.
func Open(ctx context.Context, dir string, key Key, resume bool) (*Store, error) {
	s := &Store{dir: dir, records: map[string]*record{}, head: head{Schema: runSchema, Key: key, Started: time.Now().UTC()}}
	path := filepath.Join(dir, runFile)
	var old head
	err := read(ctx, path, &old)
	switch {
	case errors.Is(err, fs.ErrNotExist) && resume:
		return nil, fmt.Errorf("%w: %s: there is no run to resume: leave --resume out", lab.ErrConfig, path)
	case errors.Is(err, fs.ErrNotExist):
		if left, _ := os.ReadDir(filepath.Join(dir, devicesFiles)); len(left) > 0 {
			return nil, fmt.Errorf("%w: %s: is of a run whose %s is gone: remove it, or choose another --out", lab.ErrConfig, filepath.Join(dir, devicesFiles), runFile)
		}
	case err != nil:
		return nil, fmt.Errorf("%w: %w", lab.ErrConfig, err)
	case old.Schema != runSchema:
		return nil, fmt.Errorf("%w: %s: schema %s: this build reads %s: choose another --out", lab.ErrConfig, path, strictjson.Quote(old.Schema), runSchema)
	case resume:
		if err := same(old.Key, key); err != nil {
			return nil, fmt.Errorf("%w: %s: %w", lab.ErrConfig, path, err)
		}
		s.head.Started = old.Started
	case !old.Done:
		return nil, fmt.Errorf("%w: %s: holds a run that was cut short: go on with --resume, or choose another --out", lab.ErrConfig, path)
	default:
		if err := os.RemoveAll(filepath.Join(dir, devicesFiles)); err != nil {
			return nil, err
		}
	}
	s.Started = s.head.Started
	if err := os.MkdirAll(filepath.Join(dir, devicesFiles), 0o755); err != nil {
		return nil, err
	}
	return s, write(path, s.head)
}

// Load reads what the files have of the devices.
func (s *Store) Load(ctx context.Context, devices []Device) error {
	for _, d := range devices {
		var r record
		path := s.path(d.Spec)
		err := read(ctx, path, &r)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			r = record{Schema: recordSchema, Device: d.Spec}
		case err != nil:
			return fmt.Errorf("%w: %w", lab.ErrConfig, err)
		case r.Schema != recordSchema || r.Device != d.Spec:
			return fmt.Errorf("%w: %s: is of schema %s and device %s, not %s and %s: remove it to measure the device again", lab.ErrConfig, path, strictjson.Quote(r.Schema), strictjson.Quote(r.Device), recordSchema, d.Spec)
		}
		s.records[d.Spec] = &r
	}
	return nil
}

// Finish marks the run as done: another one may begin in the directory.
func (s *Store) Finish() error {
	s.head.Done = true
	return write(filepath.Join(s.dir, runFile), s.head)
}

// of returns the record of a device.
func (s *Store) of(d Device) *record { return s.records[d.Spec] }

// save writes the record of a device.
func (s *Store) save(d Device) error { return write(s.path(d.Spec), s.of(d)) }

// path returns the file of a device. Its name is readable and its own.
func (s *Store) path(spec string) string {
	const longest = 80
	sum := sha256.Sum256([]byte(spec))
	name := odd.ReplaceAllString(spec, "_")
	return filepath.Join(s.dir, devicesFiles, name[:min(len(name), longest)]+"-"+hex.EncodeToString(sum[:4])+".json")
}

// odd matches what is left out of a file's name.
var odd = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// has reports whether a round of the device is measured.
func (r *record) has(number int) bool {
	return slices.ContainsFunc(r.Rounds, func(o round) bool { return o.Number == number })
}

// beside returns why a device was never measured beside the control, and whether it died each time; empty: it was.
func (r *record) beside() (why string, died bool) {
	died = true
	for _, o := range r.Rounds {
		if o.Why == "" {
			return "", false
		}
		why, died = o.Why, died && o.Died
	}
	return why, died && why != ""
}

// same returns an error that names the first difference between the keys.
func same(theirs, ours Key) error {
	for _, part := range []struct{ name, theirs, ours string }{
		{"kernel", theirs.Kernel, ours.Kernel}, {"commit", theirs.Commit, ours.Commit}, {"CPU plan", theirs.CPUPlan, ours.CPUPlan}, {"settings", theirs.Settings, ours.Settings},
	} {
		if part.theirs != part.ours {
			return fmt.Errorf("%s %s, and now %s: measurements of the two are not put together: resume as it was begun, or choose another --out", part.name, strictjson.Quote(part.theirs), strictjson.Quote(part.ours))
		}
	}
	return nil
}

func write(path string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return atomicfile.WriteFile(path, append(data, '\n'), 0o644)
}

// read reads a file strictly. The error is one line that begins with the path.
func read(ctx context.Context, path string, into any) error {
	data, err := bounded.File(ctx, path, mostRecord)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	err = d.Decode(into)
	if err == nil {
		if _, err = d.Token(); errors.Is(err, io.EOF) {
			return nil
		}
		err = errors.New("something follows it")
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		err = errors.New("it ends too early")
	}
	return fmt.Errorf("%s: not a file of this program: %s: remove it to measure again", path, strictjson.Clean(err.Error()))
}
