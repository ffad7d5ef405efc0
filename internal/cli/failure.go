package cli

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tunnelbench/tunnelbench/netns"
)

// Main runs the verb that the arguments name and returns the exit status. A verb with --json that
// fails before it has printed a result prints a failure. What cannot be printed is an error, too.
func Main(ctx context.Context, overview []Section, args []string, s Streams) int {
	out := &counter{w: s.Out}
	s.Out = out
	err := Execute(ctx, NewRoot(overview, s), args)
	if err == nil {
		err = Said(out.failed)
	}
	code := Status(ctx, err, s.Err)
	if err != nil && out.bytes == 0 && wantsJSON(NewRoot(overview, s), args) {
		_ = json.NewEncoder(out).Encode(newFailure(err, code)) // the status says it, too
	}
	return code
}

// wantsJSON reports whether the arguments have --json, for a verb with that option.
func wantsJSON(root *cobra.Command, args []string) bool {
	c, rest, err := root.Find(args)
	if err != nil || c.Flags().Lookup("json") == nil {
		return false
	}
	rest = LongNames(c.Flags(), rest)
	wants := false
	for i := 0; i < len(rest) && rest[i] != "--"; i++ {
		name, value, given := strings.Cut(strings.TrimPrefix(rest[i], "--"), "=")
		if f := c.Flags().Lookup(name); f != nil && f.NoOptDefVal == "" && !given {
			i++ // skip the option's value
		}
		if name == "json" {
			set, err := strconv.ParseBool(value)
			wants = !given || err != nil || set
		}
	}
	return wants
}

// counter is an io.Writer that counts what was written, and keeps the first error.
type counter struct {
	w      io.Writer
	bytes  int
	failed error
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.bytes += n
	if c.failed == nil {
		c.failed = err
	}
	return n, err
}

// failure is an error as --json prints it.
type failure struct {
	Error    string    `json:"error"`
	Status   int       `json:"exit_status"`
	Kind     string    `json:"kind"`
	OtherLab *otherLab `json:"other_lab,omitempty"` // of the kind another_lab
}

// otherLab is the process whose lab is running.
type otherLab struct {
	PID     int    `json:"pid"` // 0: not in this PID namespace
	Command string `json:"command"`
}

// kinds are the kinds of failures by exit status.
var kinds = map[int]string{
	exitInternal: "internal", ExitUsage: "usage", ExitFinding: "finding", ExitNoVerdict: "no_verdict", ExitMachine: "machine",
}

func newFailure(err error, code int) failure {
	f := failure{Error: OneLine(err), Status: code, Kind: kinds[code]}
	var locked netns.LockedError
	if errors.As(err, &locked) {
		f.Kind, f.OtherLab = "another_lab", &otherLab{locked.PID, locked.Command}
	}
	return f
}
