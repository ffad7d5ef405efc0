// Command tunnelbench is the laboratory's one binary: a file per verb.
//
//	tunnelbench run --dut vxlan,reference --sizes 64,1518 --out out
//	tunnelbench trial --dut vxlan --size 64 --load 100kpps --duration 5s
//
// Logs go to stderr, data to stdout or files. Exit status: 0 fine, 1 internal
// error, 2 bad usage or input, 3 regression or finding, 4 no verdict, 5 this
// machine cannot do it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"unicode"

	"github.com/tunnelbench/tunnelbench/fuzz/live"
	"github.com/tunnelbench/tunnelbench/internal/lab"
	"github.com/tunnelbench/tunnelbench/internal/reexec"
	"github.com/tunnelbench/tunnelbench/netns"
)

// The exit statuses that scripts may rely on.
const (
	exitOK        = 0
	exitInternal  = 1
	exitUsage     = 2
	exitFinding   = 3
	exitNoVerdict = 4
	exitMachine   = 5
)

// streams are where a verb reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// verb is one of the command's verbs.
type verb struct {
	name, doc string
	args      string // what stands beside the options; empty: nothing
	examples  []string
	flags     func(*flag.FlagSet) func(context.Context, streams) error
}

var verbs = []verb{runVerb, trialVerb, abVerb, gateVerb, searchVerb, reportVerb, certifyVerb, tunnelVerb,
	fuzzListVerb, fuzzRunVerb, fuzzReproVerb, fuzzMergeVerb, fuzzLiveVerb, fuzzReportVerb, doctorVerb, listVerb, versionVerb}

func main() {
	reexec.Main()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr})
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, s streams) int {
	if len(args) == 0 || slices.Contains([]string{"help", "-h", "-help", "--help"}, args[0]) {
		usage(s.out)
		if len(args) == 0 {
			return exitUsage
		}
		return exitOK
	}
	i := slices.IndexFunc(verbs, func(v verb) bool { return v.is(args) })
	if i < 0 {
		fmt.Fprintf(s.err, "tunnelbench: %s\n", noVerb(args[0]))
		return exitUsage
	}
	return status(ctx, verbs[i].run(ctx, args[verbs[i].words():], s), s.err)
}

// noVerb says what to write instead.
func noVerb(word string) string {
	var names []string
	for _, v := range verbs {
		if strings.HasPrefix(v.name, word+" ") {
			names = append(names, v.name)
		}
	}
	if len(names) > 0 {
		return fmt.Sprintf("%s what? write %s", word, strings.Join(names, ", "))
	}
	return fmt.Sprintf("%q is no verb: try tunnelbench --help", word)
}

// words are how many words a verb's name has: those of `fuzz` have two.
func (v verb) words() int { return 1 + strings.Count(v.name, " ") }

func (v verb) is(args []string) bool {
	return len(args) >= v.words() && strings.Join(args[:v.words()], " ") == v.name
}

func usage(w io.Writer) {
	fmt.Fprintln(w, "tunnelbench measures software tunnels in network namespaces.")
	fmt.Fprintln(w)
	for _, v := range verbs {
		fmt.Fprintf(w, "  %-11s %s\n", v.name, v.doc)
	}
	fmt.Fprintln(w, "\ntunnelbench VERB --help tells more.")
	fmt.Fprintln(w, "Exit status: 0 fine, 1 internal error, 2 bad usage or input, 3 regression or")
	fmt.Fprintln(w, "finding, 4 no verdict, 5 this machine cannot do it.")
}

func (v verb) run(ctx context.Context, args []string, s streams) error {
	set := flag.NewFlagSet(v.name, flag.ContinueOnError)
	set.SetOutput(io.Discard)
	do := v.flags(set)
	err := parse(set, args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		v.help(set, s.out)
		return nil
	case err != nil:
		return badUsage("%s: %w: try tunnelbench %s --help", v.name, err, v.name)
	case set.NArg() > 0 && v.args == "":
		return badUsage("%s: unexpected %q: options begin with --", v.name, set.Arg(0))
	}
	return do(ctx, s)
}

// parse reads options wherever they stand, before, between and behind the
// arguments, which are left as set.Args.
func parse(set *flag.FlagSet, args []string) error {
	words := []string{"--"}
	for {
		if err := set.Parse(args); err != nil {
			return err
		}
		if set.NArg() == 0 {
			return set.Parse(words)
		}
		words, args = append(words, set.Arg(0)), set.Args()[1:]
	}
}

func (v verb) help(set *flag.FlagSet, w io.Writer) {
	fmt.Fprintf(w, "tunnelbench %s: %s\n\nOptions:\n", strings.TrimSpace(v.name+" "+v.args), v.doc)
	set.SetOutput(w)
	set.PrintDefaults()
	fmt.Fprintln(w, "\nExamples:")
	for _, e := range v.examples {
		fmt.Fprintln(w, "  tunnelbench "+e)
	}
}

// usageError is bad usage or bad input: exit status 2.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func badUsage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// errNoVerdict is what a verb returns when it measured and nothing can be said: exit status 4.
var errNoVerdict = errors.New("no verdict")

// status prints an error as one line and turns it into the exit status.
func status(ctx context.Context, err error, w io.Writer) int {
	if err == nil {
		return exitOK
	}
	finding := errors.Is(err, errFinding) || errors.Is(err, live.ErrFinding)
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) && !finding {
		fmt.Fprintf(w, "tunnelbench: interrupted (%s)\n", oneLine(err))
		return exitNoVerdict
	}
	fmt.Fprintf(w, "tunnelbench: %s\n", oneLine(err))
	var bad usageError
	var machine machineError
	switch {
	case errors.As(err, &bad), errors.Is(err, lab.ErrConfig):
		return exitUsage
	case finding, errors.Is(err, errRegression):
		return exitFinding
	case errors.Is(err, errNoVerdict), errors.Is(err, live.ErrNoVerdict):
		return exitNoVerdict
	case errors.As(err, &machine), errors.Is(err, errors.ErrUnsupported), errors.Is(err, netns.ErrLocked), errors.Is(err, os.ErrPermission):
		return exitMachine
	}
	return exitInternal
}

// oneLine joins what errors.Join put on lines of their own, and leaves nothing
// that a terminal would obey.
func oneLine(err error) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r':
			return ';'
		case !unicode.IsPrint(r):
			return ' '
		}
		return r
	}, err.Error())
}
