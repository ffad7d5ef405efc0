package text

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/tunnelbench/tunnelbench/fuzz/oracle"
	"github.com/tunnelbench/tunnelbench/rfc2544/mlrsearch"
)

// Replay attacks the reader of recorded trials (JSON lines).
func Replay(data []byte) int {
	const perByte = 64 // bytes allocated for each byte of input; the shortest lines are the most expensive, with 25
	input := oracle.Exact(data)
	var trials []mlrsearch.Trial
	var err error
	oracle.Allocates(oracle.PerByte(perByte, data), func() { trials, err = mlrsearch.ReadReplay(bytes.NewReader(input)) })
	oracle.Untouched(input, data)
	if err != nil {
		oracle.Line(err)
		if trials != nil {
			oracle.Fail(oracle.Agreement, "%d trials returned with the error %v", len(trials), err)
		}
		return 0
	}
	for _, t := range trials {
		if !(t.Load > 0) || math.IsInf(t.Load, 1) || t.Duration <= 0 || t.Effective <= 0 || !(t.LossRatio >= 0 && t.LossRatio <= 1) {
			oracle.Fail(oracle.Agreement, "accepted %+v", t)
		}
	}
	line := append(oracle.Exact(data), '\n')
	oracle.Slopes(evaluate, bytes.Repeat(line, oracle.Growth), bytes.Repeat(line, oracle.Growth*oracle.Growth))
	if again := replayAgain(trials); !slices.Equal(again, trials) {
		oracle.Fail(oracle.RoundTrip, "read %v, read again %v", trials, again)
	}
	return 1
}

func evaluate(data []byte) {
	goal, err := mlrsearch.Preset("pdr")
	if err != nil {
		panic(err)
	}
	trials, _ := mlrsearch.ReadReplay(bytes.NewReader(data))
	if _, err := json.Marshal(mlrsearch.ReplayResult{Goals: mlrsearch.Evaluate(trials, []mlrsearch.Goal{goal})}); err != nil {
		oracle.Fail(oracle.RoundTrip, "the result cannot be encoded: %v", err)
	}
}

// replayAgain writes trials in their file format and reads them again.
func replayAgain(trials []mlrsearch.Trial) []mlrsearch.Trial {
	var text bytes.Buffer
	for _, t := range trials {
		fmt.Fprintf(&text, `{"load_fps":%g,"duration_s":%.9f,"effective_duration_s":%.9f,"loss_ratio":%g}`+"\n",
			t.Load, t.Duration.Seconds(), t.Effective.Seconds(), t.LossRatio)
	}
	again, err := mlrsearch.ReadReplay(&text)
	if err != nil {
		oracle.Fail(oracle.RoundTrip, "trials that were read and written cannot be read again: %v", err)
	}
	return again
}
