//go:build !dvyukov

// Excluded from go-fuzz builds: go-fuzz-build cannot copy the folder that the JSON Schema library embeds.

package text

import (
	"bytes"
	_ "embed"
	"hash/crc32"
	"slices"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/fuzz/oracle"
	"github.com/tunnelbench/tunnelbench/reports/result"
)

// resultsPerByte is how many bytes the reader may allocate for each byte of the file. It reads the
// file as tokens, as a tree and as Go values. The most expensive known input, a file of two devices,
// takes 183.
const resultsPerByte = 512

// smallResults are the results of a run with two devices.
//
//go:embed results.json
var smallResults []byte

// ResultsSeeds are whole files and malformed fragments.
func ResultsSeeds() [][]byte {
	empty, err := result.Encode(&result.Results{Started: time.Unix(1, 0).UTC(), Ended: time.Unix(2, 0).UTC()})
	if err != nil {
		panic(err) // the seed is wrong
	}
	return [][]byte{
		empty, smallResults, compared(), nil, []byte("null"), []byte(`{"schema":"tunnelbench.results/2"}`),
		[]byte(strings.Repeat("[", 10000)), []byte(`{"seed":` + strings.Repeat("9", 10000)),
		bytes.Replace(empty, []byte(`"command": []`), []byte(`"command": [`+strings.Repeat(`"",`, 998)+`""]`), 1),
	}
}

// compared returns a results file as `ab` writes it.
func compared() []byte {
	one, two := 1.0, 2.0
	c := &result.Comparison{
		Devices: []string{"vxlan", "reference"}, FrameSize: 64, Direction: "forward", Overload: 1000, Light: 100, Rounds: 2, Confidence: 0.95,
		Order: [][]int{{0, 1}, {1, 0}}, Warnings: []string{"two rounds are few"},
		Metrics: []result.Metric{{Name: "forwarding_rate", Unit: "fps", Better: 1, Samples: [][]*float64{{&one, &two}, {&two, nil}}}},
	}
	data, err := result.Encode(&result.Results{Started: time.Unix(1, 0).UTC(), Ended: time.Unix(2, 0).UTC(), Profile: "ab", Comparison: c})
	if err != nil {
		panic(err) // the seed is wrong
	}
	return data
}

// Results attacks the reader of results.json.
func Results(data []byte) int {
	input := oracle.Exact(data)
	var r *result.Results
	var err error
	oracle.Allocates(oracle.PerByte(resultsPerByte, data), func() { r, err = readResults(input) })
	oracle.Untouched(input, data)
	small, large := oracle.Stretch(data)
	oracle.Slopes(readAndForget, small, large)
	if err != nil {
		oracle.Line(err)
		return 0
	}
	sameAgain(r)
	// A sample of the accepted inputs: this check costs as much as all others.
	if choice := int(crc32.ChecksumIEEE(data)); choice%8 == 0 {
		checkListGrowth(r, growers[choice/8%len(growers)])
	}
	return 1
}

// checkListGrowth checks allocation and time while one list of the results grows.
func checkListGrowth(r *result.Results, grow grower) {
	small, large, ok := grown(r, grow)
	if !ok {
		return
	}
	oracle.Allocates(oracle.PerByte(resultsPerByte, large), func() { readAndForget(large) })
	oracle.Slopes(readAndForget, small, large)
}

func readResults(data []byte) (*result.Results, error) {
	return result.Read(bytes.NewReader(data), "results.json")
}

func readAndForget(data []byte) { _, _ = readResults(data) }

// sameAgain checks that results stay the same when they are written and read again.
func sameAgain(r *result.Results) {
	first, err := result.Encode(r)
	if err != nil {
		oracle.Fail(oracle.RoundTrip, "accepted results cannot be encoded: %v", err)
	}
	back, err := readResults(first)
	if err != nil {
		oracle.Fail(oracle.RoundTrip, "encoded results cannot be read: %v", err)
	}
	if second, err := result.Encode(back); err != nil || !bytes.Equal(first, second) {
		oracle.Fail(oracle.RoundTrip, "encoding the results twice gives different files (%v):\n%s\n%s", err, first, second)
	}
}

// grower makes one list of the results n times as long. An empty list stays empty.
type grower func(r *result.Results, n int)

var growers = []grower{
	func(r *result.Results, n int) { r.Results = slices.Repeat(r.Results, n) },
	func(r *result.Results, n int) { r.Calibration = slices.Repeat(r.Calibration, n) },
	func(r *result.Results, n int) { r.Command = slices.Repeat(r.Command, n) },
	func(r *result.Results, n int) { r.Host.Notes = slices.Repeat(r.Host.Notes, n) },
	inFirst(func(res *result.Result, n int) { res.Trials = slices.Repeat(res.Trials, n) }),
	inFirst(func(res *result.Result, n int) { res.Values = slices.Repeat(res.Values, n) }),
	inFirst(func(res *result.Result, n int) { res.Warnings = slices.Repeat(res.Warnings, n) }),
	inFirst(func(res *result.Result, n int) {
		res.Trials = slices.Clone(res.Trials)
		for i := range res.Trials[:min(1, len(res.Trials))] {
			res.Trials[i].Stalls = slices.Repeat(res.Trials[i].Stalls, n)
		}
	}),
}

func inFirst(grow func(*result.Result, int)) grower {
	return func(r *result.Results, n int) {
		r.Results = slices.Clone(r.Results)
		for i := range r.Results[:min(1, len(r.Results))] {
			grow(&r.Results[i], n)
		}
	}
}

// grown encodes r twice. One list is oracle.Growth times as long in large as in small. ok is false if
// the list is empty or r itself is too long.
func grown(r *result.Results, grow grower) (small, large []byte, ok bool) {
	const enough, most = 96 << 10, 64 // bytes of large, copies in small
	once, err1 := encodeGrown(r, grow, 1)
	twice, err2 := encodeGrown(r, grow, 2)
	step := len(twice) - len(once)
	if err1 != nil || err2 != nil || step <= 0 {
		return nil, nil, false
	}
	for copies := min(most, (enough-len(once))/(oracle.Growth*step)); copies > 1; copies /= 2 {
		if large, err1 = encodeGrown(r, grow, oracle.Growth*copies); err1 == nil { // the schema limits every list
			small, err2 = encodeGrown(r, grow, copies)
			return small, large, err2 == nil
		}
	}
	return nil, nil, false
}

func encodeGrown(r *result.Results, grow grower, n int) ([]byte, error) {
	longer := *r
	grow(&longer, n)
	return result.Encode(&longer)
}
