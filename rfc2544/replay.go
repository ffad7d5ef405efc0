package rfc2544

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

// ReplayTrial is all that classification needs to know of a valid trial.
type ReplayTrial struct {
	Load      Rate          // intended
	Duration  time.Duration // intended: decides whether the trial is full-length
	Effective time.Duration // what the trial counts for in a duration sum
	LossRatio float64
}

// ReplayResult is what a replay prints.
type ReplayResult struct {
	Goals []GoalResult `json:"goals"`
}

// Evaluate classifies trials without measuring: the bounds and the conditional
// throughput of each goal, in order. The order of the trials plays no part.
func Evaluate(trials []ReplayTrial, goals []Goal) []GoalResult {
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

// replayLine is a trial as a line of JSON has it; effective_duration_s may be
// left out and is duration_s then.
type replayLine struct {
	Load      *float64 `json:"load_fps"`
	Duration  *float64 `json:"duration_s"`
	Effective *float64 `json:"effective_duration_s"`
	LossRatio *float64 `json:"loss_ratio"`
}

// ReadReplay reads one trial a line; blank lines are skipped. The error names
// the line, what is wrong and the mend.
func ReadReplay(r io.Reader) ([]ReplayTrial, error) {
	var trials []ReplayTrial
	var total time.Duration
	lines := bufio.NewScanner(r)
	n := 1
	for ; lines.Scan(); n++ {
		text := bytes.TrimSpace(lines.Bytes())
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

func parseReplayLine(text []byte) (ReplayTrial, error) {
	var line replayLine
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&line); err != nil {
		return ReplayTrial{}, fmt.Errorf(`%w: write {"load_fps":1000,"duration_s":1,"loss_ratio":0}`, err)
	}
	if _, err := d.Token(); err != io.EOF {
		return ReplayTrial{}, errors.New("more than one JSON object: write one a line")
	}
	return line.trial()
}

func (l replayLine) trial() (ReplayTrial, error) {
	switch {
	case l.Load == nil || l.Duration == nil || l.LossRatio == nil:
		return ReplayTrial{}, errors.New("load_fps, duration_s or loss_ratio is missing: give all three")
	case !(*l.Load > 0):
		return ReplayTrial{}, fmt.Errorf("load_fps %v: must be above zero", *l.Load)
	case !(*l.LossRatio >= 0 && *l.LossRatio <= 1):
		return ReplayTrial{}, fmt.Errorf("loss_ratio %v: must be from 0 to 1", *l.LossRatio)
	}
	if l.Effective == nil {
		l.Effective = l.Duration
	}
	duration, err := seconds("duration_s", *l.Duration)
	if err != nil {
		return ReplayTrial{}, err
	}
	effective, err := seconds("effective_duration_s", *l.Effective)
	return ReplayTrial{Rate(*l.Load), duration, effective, *l.LossRatio}, err
}

// seconds is v seconds to the nearest nanosecond.
func seconds(key string, v float64) (time.Duration, error) {
	const longest = 1e9 // 31 years
	ns := math.Round(v * 1e9)
	if !(ns >= 1 && v <= longest) {
		return 0, fmt.Errorf("%s %v: must be above zero and at most %v", key, v, longest)
	}
	return time.Duration(ns), nil
}
