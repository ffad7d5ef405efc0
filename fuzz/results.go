//go:build !gofuzz

// Not under go-fuzz: it would have to instrument the whole of the chart
// library for the sake of the header target.

package fuzz

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/tunnelbench/tunnelbench/reports"
	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// resultsPerOctet is the reader's limit for oracle 3, in octets. The dearest
// input known takes 45: a list of empty texts.
const resultsPerOctet = 128

// Results attacks the reader of results.json.
func Results(data []byte) int {
	input := Exact(data)
	var r *reports.Results
	var err error
	Allocation(PerOctet(resultsPerOctet, data), func() { r, err = readResults(input) })
	Untouched(input, data)
	small, large := Stretch(data)
	Slope(readAndForget, small, large)
	if err != nil {
		OneLine(err)
		return 0
	}
	sameAgain(r)
	// A few of those that are accepted: this costs as much as all the rest.
	if choice := int(crc32.ChecksumIEEE(data)); choice%8 == 0 {
		growsEvenly(r, growers[choice/8%len(growers)])
	}
	return 1
}

// growsEvenly holds a list that is longer and longer to oracles 3 and 4.
func growsEvenly(r *reports.Results, grow grower) {
	small, large, ok := grown(r, grow)
	if !ok {
		return
	}
	Allocation(PerOctet(resultsPerOctet, large), func() { readAndForget(large) })
	Slope(readAndForget, small, large)
}

func readResults(data []byte) (*reports.Results, error) {
	return reports.Read(bytes.NewReader(data), "results.json")
}

func readAndForget(data []byte) { _, _ = readResults(data) }

// sameAgain is oracle 5: what is read, written and read again is the same.
func sameAgain(r *reports.Results) {
	first, err := reports.Encode(r)
	if err != nil {
		panic(fmt.Sprintf("oracle 5: what was read cannot be written: %v", err))
	}
	back, err := readResults(first)
	if err != nil {
		panic(fmt.Sprintf("oracle 5: what was written cannot be read: %v", err))
	}
	if second, err := reports.Encode(back); err != nil || !bytes.Equal(first, second) {
		panic(fmt.Sprintf("oracle 5: written twice, the results differ (%v):\n%s\n%s", err, first, second))
	}
}

// grower makes one list of the results n times as long; one that is empty
// stays so.
type grower func(r *reports.Results, n int)

var growers = []grower{
	func(r *reports.Results, n int) { r.Results = slices.Repeat(r.Results, n) },
	func(r *reports.Results, n int) { r.Calibration = slices.Repeat(r.Calibration, n) },
	func(r *reports.Results, n int) { r.Command = slices.Repeat(r.Command, n) },
	func(r *reports.Results, n int) { r.Host.Notes = slices.Repeat(r.Host.Notes, n) },
	inFirst(func(res *reports.Result, n int) { res.Trials = slices.Repeat(res.Trials, n) }),
	inFirst(func(res *reports.Result, n int) { res.Values = slices.Repeat(res.Values, n) }),
	inFirst(func(res *reports.Result, n int) { res.Warnings = slices.Repeat(res.Warnings, n) }),
	inFirst(func(res *reports.Result, n int) {
		res.Trials = slices.Clone(res.Trials)
		for i := range res.Trials[:min(1, len(res.Trials))] {
			res.Trials[i].Stalls = slices.Repeat(res.Trials[i].Stalls, n)
		}
	}),
}

func inFirst(grow func(*reports.Result, int)) grower {
	return func(r *reports.Results, n int) {
		r.Results = slices.Clone(r.Results)
		for i := range r.Results[:min(1, len(r.Results))] {
			grow(&r.Results[i], n)
		}
	}
}

// grown is r as two files, one list of which is growth times as long in the
// second. Not ok: the list is empty, or r itself too long.
func grown(r *reports.Results, grow grower) (small, large []byte, ok bool) {
	const enough, most = 96 << 10, 64 // octets of large, copies in small
	once, err1 := encodeGrown(r, grow, 1)
	twice, err2 := encodeGrown(r, grow, 2)
	step := len(twice) - len(once)
	if err1 != nil || err2 != nil || step <= 0 {
		return nil, nil, false
	}
	for copies := min(most, (enough-len(once))/(growth*step)); copies > 1; copies /= 2 {
		if large, err1 = encodeGrown(r, grow, growth*copies); err1 == nil { // the schema limits every list
			small, err2 = encodeGrown(r, grow, copies)
			return small, large, err2 == nil
		}
	}
	return nil, nil, false
}

func encodeGrown(r *reports.Results, grow grower, n int) ([]byte, error) {
	longer := *r
	grow(&longer, n)
	return reports.Encode(&longer)
}

// Replay attacks the reader of recorded trials, JSON lines.
func Replay(data []byte) int {
	const perOctet = 64 // the dearest input known takes 25: the shortest lines there are
	input := Exact(data)
	var trials []rfc2544.ReplayTrial
	var err error
	Allocation(PerOctet(perOctet, data), func() { trials, err = rfc2544.ReadReplay(bytes.NewReader(input)) })
	Untouched(input, data)
	if err != nil {
		OneLine(err)
		if trials != nil {
			panic(fmt.Sprintf("%d trials beside the error %v", len(trials), err))
		}
		return 0
	}
	line := append(Exact(data), '\n')
	Slope(evaluate, bytes.Repeat(line, growth), bytes.Repeat(line, growth*growth))
	if again := replayAgain(trials); !slices.Equal(again, trials) {
		panic(fmt.Sprintf("oracle 5: read %v, again %v", trials, again))
	}
	return 1
}

func evaluate(data []byte) {
	goal, err := rfc2544.Preset("pdr")
	if err != nil {
		panic(err)
	}
	trials, _ := rfc2544.ReadReplay(bytes.NewReader(data))
	rfc2544.Evaluate(trials, []rfc2544.Goal{goal})
}

// replayAgain writes trials as their format says and reads them.
func replayAgain(trials []rfc2544.ReplayTrial) []rfc2544.ReplayTrial {
	var text bytes.Buffer
	for _, t := range trials {
		fmt.Fprintf(&text, `{"load_fps":%g,"duration_s":%.9f,"effective_duration_s":%.9f,"loss_ratio":%g}`+"\n",
			float64(t.Load), t.Duration.Seconds(), t.Effective.Seconds(), t.LossRatio)
	}
	again, err := rfc2544.ReadReplay(&text)
	if err != nil {
		panic(fmt.Sprintf("oracle 5: what was read cannot be read again: %v", err))
	}
	return again
}
