package mlrsearch

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"time"
)

// ReplayResult is the JSON form of what Evaluate returns.
type ReplayResult struct {
	Goals []GoalResult `json:"goals"`
}

// Evaluate classifies recorded trials: it returns the bounds and the conditional throughput of
// each goal, in the order of the goals. The order of the trials does not matter.
func Evaluate(trials []Trial, goals []Goal) []GoalResult {
	var r record
	for _, trial := range trials {
		r.add(0, trial)
	}
	results := make([]GoalResult, 0, len(goals))
	for _, g := range goals {
		results = append(results, r.evaluate(g))
	}
	return results
}

// replayLine is a trial as a line of JSON. effective_duration_s is optional; it
// defaults to duration_s.
type replayLine struct {
	Load      *float64 `json:"load_fps"`
	Duration  *float64 `json:"duration_s"`
	Effective *float64 `json:"effective_duration_s"`
	LossRatio *float64 `json:"loss_ratio"`
}

// byteOrderMark is what some editors put in front of UTF-8 text.
const byteOrderMark = "\uFEFF"

// MaxReplay is the largest file of recorded trials that a program should read, in bytes.
const MaxReplay = 64 << 20

// ReadReplay reads trials as JSON, one per line, such as
//
//	{"load_fps":1000,"duration_s":1,"loss_ratio":0}
//
// with an optional effective_duration_s. Blank lines are skipped. An error names the
// line, what is wrong and how to correct it.
func ReadReplay(r io.Reader) ([]Trial, error) {
	var trials []Trial
	var total time.Duration
	lines := bufio.NewScanner(r)
	n := 1
	for ; lines.Scan(); n++ {
		text := bytes.TrimSpace(bytes.TrimPrefix(lines.Bytes(), []byte(byteOrderMark)))
		if len(text) == 0 {
			continue
		}
		trial, err := parseReplayLine(text)
		if err == nil && trial.Effective > math.MaxInt64-total {
			err = errors.New("the trials add up to more than 292 years: split the file")
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		total += trial.Effective
		trials = append(trials, trial)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("line %d: cannot be read: %w", n, err)
	}
	return trials, nil
}

func parseReplayLine(text []byte) (Trial, error) {
	var line replayLine
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&line); err != nil {
		return Trial{}, fmt.Errorf(`%w: write {"load_fps":1000,"duration_s":1,"loss_ratio":0}`, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return Trial{}, errors.New("more than one JSON object: write one a line")
	}
	return line.trial()
}

func (l replayLine) trial() (Trial, error) {
	switch {
	case l.Load == nil || l.Duration == nil || l.LossRatio == nil:
		return Trial{}, errors.New("load_fps, duration_s or loss_ratio is missing: give all three")
	case !(*l.Load > 0):
		return Trial{}, fmt.Errorf("load_fps %v: must be above zero", *l.Load)
	case !(*l.LossRatio >= 0 && *l.LossRatio <= 1):
		return Trial{}, fmt.Errorf("loss_ratio %v: must be from 0 to 1", *l.LossRatio)
	}
	if l.Effective == nil {
		l.Effective = l.Duration
	}
	duration, err := seconds("duration_s", *l.Duration)
	if err != nil {
		return Trial{}, err
	}
	effective, err := seconds("effective_duration_s", *l.Effective)
	return Trial{*l.Load, duration, effective, *l.LossRatio}, err
}

// seconds is v seconds, rounded to nanoseconds. key names it in an error.
func seconds(key string, v float64) (time.Duration, error) {
	const longest = 1e9 // 31 years
	ns := math.Round(v * 1e9)
	if !(ns >= 1 && v <= longest) {
		return 0, fmt.Errorf("%s %v: must be above zero and at most %v", key, v, longest)
	}
	return time.Duration(ns), nil
}
