package mlrsearch_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tunnelbench/tunnelbench/rfc2544/mlrsearch"
)

// server answers up to 600,000 requests per second and loses the rest.
type server struct{ trials int }

func (s *server) Measure(_ context.Context, load float64, _ time.Duration) (mlrsearch.Result, error) {
	s.trials++
	return mlrsearch.Result{LossRatio: max(0, 1-600e3/load), Valid: true}, nil
}

// Two goals are searched at once: no loss, and at most 0.5 % loss.
func ExampleSearch() {
	ndr, _ := mlrsearch.Preset("ndr")
	pdr, _ := mlrsearch.Preset("pdr")
	s := &server{}
	found, err := mlrsearch.Search(context.Background(), s, mlrsearch.Config{
		Goals: []mlrsearch.Goal{ndr, pdr}, Min: 9001, Max: 1e6,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, g := range found.Goals {
		fmt.Printf("%s from %.0f to %.0f, conditional throughput %.0f\n", g.Goal.Name, *g.Lower, *g.Upper, *g.Conditional)
	}
	fmt.Println(s.trials, "trials in", found.Spent)
	// Output:
	// ndr from 599817 to 602830, conditional throughput 599817
	// pdr from 602830 to 605859, conditional throughput 600000
	// 35 trials in 35s
}

// Trials that were measured by another program are classified.
func ExampleEvaluate() {
	const recorded = `
		{"load_fps":500000,"duration_s":60,"loss_ratio":0}
		{"load_fps":520000,"duration_s":60,"loss_ratio":0.002}`
	trials, err := mlrsearch.ReadReplay(strings.NewReader(recorded))
	if err != nil {
		fmt.Println(err)
		return
	}
	throughput, _ := mlrsearch.Preset("rfc2544")
	result := mlrsearch.Evaluate(trials, []mlrsearch.Goal{throughput})[0]
	fmt.Printf("%s from %.0f to %.0f, regular: %t\n", result.Goal.Name, *result.Lower, *result.Upper, result.Regular)
	// Output:
	// throughput from 500000 to 520000, regular: false
}

func ExampleParseGoal() {
	goal, err := mlrsearch.ParseGoal("loss=0.005,exceed=0.5,final=1s,sum=21s,width=0.01")
	fmt.Println(goal.Name, goal.LossRatio, goal.Exceed, goal.Sum, err)
	_, err = mlrsearch.ParseGoal("loss=0.005,exceed=0.5,final=1s")
	fmt.Println(err)
	// Output:
	// pdr 0.005 0.5 21s <nil>
	// goal "loss=0.005,exceed=0.5,final=1s": sum is missing: write loss=0.005,exceed=0.5,final=1s,sum=21s
}
