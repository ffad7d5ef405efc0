package main

import (
	"github.com/tunnelbench/tunnelbench/cmd/tunnelbench/behaving"
	"github.com/tunnelbench/tunnelbench/cmd/tunnelbench/counting"
	"github.com/tunnelbench/tunnelbench/cmd/tunnelbench/field"
	"github.com/tunnelbench/tunnelbench/cmd/tunnelbench/gating"
	"github.com/tunnelbench/tunnelbench/cmd/tunnelbench/keying"
	"github.com/tunnelbench/tunnelbench/cmd/tunnelbench/matching"
	"github.com/tunnelbench/tunnelbench/cmd/tunnelbench/recipe"
	"github.com/tunnelbench/tunnelbench/cmd/tunnelbench/tracing"
	"github.com/tunnelbench/tunnelbench/internal/cli"
)

// overview returns the verbs in the order of the help.
func overview() []cli.Section {
	return []cli.Section{
		{Title: "Measure", Verbs: []cli.Verb{runVerb, trialVerb, tracing.Verb(tool), abVerb, searchVerb, counting.Verb(tool), certifyVerb, matching.Verb(tool), behaving.Verb(tool), field.Verb(tool)}},
		{Title: "Judge and report", Verbs: []cli.Verb{gating.Verb(tool), reportVerb}},
		{Title: "Attack", Verbs: []cli.Verb{fuzzListVerb, fuzzRunVerb, fuzzReproVerb, fuzzMergeVerb, fuzzLiveVerb, fuzzReportVerb}},
		{Title: "Tunnels of other people", Verbs: []cli.Verb{recipe.List, recipe.Check, recipe.Install}},
		{Title: "Tunnel and machine", Verbs: []cli.Verb{tunnelVerb, reloadVerb, keying.Genkey, keying.Pubkey, keying.Genpsk, dissectorVerb, doctorVerb, listVerb, versionVerb}},
	}
}
