package result

import (
	"fmt"
	"slices"
	"time"

	"github.com/tunnelbench/tunnelbench/rfc2544"
)

// What all results of a file share: with it, a file stays below the limits of its readers (2 million
// values, 64 MiB, 8 MiB of texts).
const (
	mostProseOfFile  = 4 << 20 // bytes; names have the rest of the texts' room
	mostTrialsOfFile = 10_000
	mostStallsOfFile = 50_000
	mostTagsOfFile   = 200_000
)

// share leaves out what the trials of a file have too much of in sum: all but the longest stalls, and the
// tagged frames of the last trials. A warning counts it. The results' lists of trials are changed, but
// nothing that they refer to.
func share(results []Result) {
	longest, tags := longestStalls(results), mostTagsOfFile
	for i := range results {
		var stallsOut, tagsOut int
		for j := range results[i].Trials {
			o := &results[i].Trials[j]
			stalls, delays := len(o.Stalls), len(o.Tags)
			o.Stalls = longest.of(o.Stalls)
			if delays > tags {
				o.Tags = nil
			}
			tags -= len(o.Tags)
			stallsOut += stalls - len(o.Stalls)
			tagsOut += delays - len(o.Tags)
		}
		if stallsOut+tagsOut > 0 {
			results[i].Warnings = append(slices.Clone(results[i].Warnings),
				fmt.Sprintf("%d stalls, the shortest, and %d delays of tagged frames are left out of this file", stallsOut, tagsOut))
		}
	}
}

// lengths are the stalls that a file has room for.
type lengths struct {
	all      bool
	shortest time.Duration // longer ones stay
	ties     int           // and so many of this length
}

// longestStalls returns which stalls are the longest ones of a file.
func longestStalls(results []Result) *lengths {
	var all []time.Duration
	for _, res := range results {
		for _, o := range res.Trials {
			for _, s := range o.Stalls {
				all = append(all, s.Length)
			}
		}
	}
	if len(all) <= mostStallsOfFile {
		return &lengths{all: true}
	}
	slices.Sort(all)
	out := len(all) - mostStallsOfFile
	first, _ := slices.BinarySearch(all[out:], all[out]+1)
	return &lengths{shortest: all[out], ties: first}
}

// of returns those of a trial's stalls for which there is room.
func (l *lengths) of(stalls []rfc2544.Stall) []rfc2544.Stall {
	if l.all {
		return stalls
	}
	return slices.DeleteFunc(slices.Clone(stalls), func(s rfc2544.Stall) bool {
		if s.Length == l.shortest && l.ties > 0 {
			l.ties--
			return false
		}
		return s.Length <= l.shortest
	})
}

// shareTexts leaves out the warnings for which a file has no room, the trials' after the results' own, and
// shortens the reasons to their codes then. A warning counts it.
func shareTexts(results []Result) {
	p, out := prose{mostProseOfFile}, make([]int, len(results))
	for i := range results {
		results[i].Warnings = p.some(results[i].Warnings, &out[i])
	}
	for i := range results {
		for j := range results[i].Trials {
			o := &results[i].Trials[j]
			o.Warnings = p.some(o.Warnings, &out[i])
			o.Invalid, o.Disturbed = p.reasons(o.Invalid, &out[i]), p.reasons(o.Disturbed, &out[i])
		}
		if out[i] > 0 {
			last := min(len(results[i].Warnings), mostTexts-1)
			results[i].Warnings = append(results[i].Warnings[:last:last], fmt.Sprintf("%d texts are left out of this file", out[i]))
		}
	}
}

// prose is the room for texts that a file still has.
type prose struct{ room int }

// fits takes the room of a text, if there is so much.
func (p *prose) fits(text string) bool {
	if len(text) > p.room {
		return false
	}
	p.room -= len(text)
	return true
}

// some returns the texts of a list that fit, and adds the number of the others to out.
func (p *prose) some(list []string, out *int) []string {
	kept := slices.DeleteFunc(slices.Clone(list), func(text string) bool { return !p.fits(text) })
	*out += len(list) - len(kept)
	return NotNil(kept)
}

// reasons returns a list with the texts that fit, and adds the number of the others to out.
func (p *prose) reasons(list rfc2544.Reasons, out *int) rfc2544.Reasons {
	list = slices.Clone(list)
	for i := range list {
		if !p.fits(list[i].Text) {
			list[i].Text = string(list[i].Code)
			*out++
		}
	}
	return list
}
